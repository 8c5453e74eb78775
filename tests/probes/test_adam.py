"""The senteval-adam probe against the same steps in plain PyTorch."""

import numpy as np
import pytest
import torch
from torch import nn

from repro.bench.probes import plain_senteval_classifier
from repro.errors import ReproError
from repro.probes import adam
from repro.probes.adam import fit_predict, initial_weights
from repro.probes.base import Fit
from tests.conftest import drawn


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("watched", [True, False])
def test_labels_equal_plain_pytorch(classes: int, watched: bool) -> None:
    features, labels = drawn(classes, 330, 20)
    fits = []
    for fold in range(3):
        test = np.arange(330) % 3 == fold
        fits += [Fit(~test, penalty, test if watched else None) for penalty in (1e-5, 1e-2)]
    for fit, found in zip(fits, fit_predict(features, labels, fits), strict=True):
        expected, logits = plain_senteval_classifier(features, labels, fit)
        top = np.sort(logits, axis=1)
        clear = top[:, -1] - top[:, -2] > 1e-4  # float32 sums in another order may turn a tie
        assert clear.mean() > 0.98
        np.testing.assert_array_equal(found[clear], expected[clear])


def test_fits_of_other_sizes_do_not_disturb_each_other() -> None:
    features, labels = drawn(2, 300, 8)
    fits = [
        Fit(np.arange(300) % k != 0, penalty, np.arange(300) % k == 0) for k in (3, 4, 5) for penalty in (1e-4, 1e-2)
    ]
    together = fit_predict(features, labels, fits)
    alone = np.concatenate([fit_predict(features, labels, [fit]) for fit in fits])
    assert (together == alone).mean() > 0.995  # one product or several: the order of float32 sums differs


def test_initial_weights_are_those_of_a_seeded_linear_layer() -> None:
    torch.manual_seed(7)
    layer = nn.Linear(5, 3)
    expected = np.vstack([layer.weight.detach().numpy().T, layer.bias.detach().numpy()])
    np.testing.assert_array_equal(initial_weights(5, 3, 7), expected)


def test_the_seed_decides_and_the_same_seed_repeats() -> None:
    features, labels = drawn(2, 200, 8)
    fits = [Fit(np.arange(200) < 150, 1e-4)]
    first, again = (fit_predict(features, labels, fits) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (fit_predict(features, labels, fits, seed=3) != first).any()


def test_what_cannot_be_fitted_is_said() -> None:
    features, labels = drawn(2, 50, 4)
    features[3, 0] = np.inf
    with pytest.raises(ReproError, match="the features of item 3 are not finite"):
        fit_predict(features, labels, [Fit(np.ones(50, bool), 1e-5)])


def test_sentevals_settings() -> None:
    # SentEval README, "comparable" configuration; tools/classifier.py:177-183
    found = (adam.BATCH, adam.EPOCHS_PER_CHECK, adam.MAX_EPOCHS, adam.TENACITY, adam.WATCHED, adam.SEED)
    assert found == (64, 4, 200, 5, 0.05, 1111)
    assert adam.ADAM.nested == adam.ADAM.kfold == (1e-5, 1e-4, 1e-3, 1e-2)
