"""The senteval-adam probe against the same steps in plain PyTorch."""

import numpy as np
import pytest

from repro.bench import probes as bench
from repro.bench.probes import plain_senteval_classifier
from repro.errors import ReproError
from repro.probes import adam
from repro.probes.adam import fit_predict
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


def test_snlis_schedule_is_that_of_plain_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    """snli.py: max_epoch 15, epoch_size 1; validation.py: noreg is a weight decay of 1e-9."""
    features, labels = drawn(3, 400, 6)
    (penalty,) = adam.SNLI_ADAM.nested
    assert penalty == 1e-9
    fit = Fit(np.arange(400) < 300, penalty, np.arange(400) >= 300)
    (found,) = adam.SNLI_ADAM.fit_predict(features, labels, [fit])
    monkeypatch.setattr(bench, "EPOCHS_PER_CHECK", 1)
    monkeypatch.setattr(bench, "MAX_EPOCHS", 15)
    expected, logits = bench.plain_senteval_classifier(features, labels, fit)
    top = np.sort(logits, axis=1)
    clear = top[:, -1] - top[:, -2] > 1e-4
    np.testing.assert_array_equal(found[clear], expected[clear])
    assert (found != adam.fit_predict(features, labels, [fit])[0]).any()  # the other schedule trains longer
