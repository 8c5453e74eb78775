"""Every objective against an implementation that this project did not write, and against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.special import log_softmax
from torch import nn

from repro.encoders.recipe import TransformerRecipe
from repro.training.contrastive import ContrastiveRecipe
from repro.training.objectives import Contrastive, Cosine, Softmax, Triplet, cross_loss
from repro.training.recipe import PARTS, TrainedRecipe
from repro.training.setups import CONCATENATIONS


def drawn(count: int, d: int = 8, b: int = 16) -> list[torch.Tensor]:
    rng = np.random.default_rng(count)
    return [torch.tensor(rng.normal(size=(b, d)), dtype=torch.float64) for _ in range(count)]


def recipe(name: str) -> TrainedRecipe:
    kind = ContrastiveRecipe if name == "contrastive" else TrainedRecipe
    return kind(TransformerRecipe("owner/model"), "stsb", name, ("u", "v", "abs(u-v)", "u*v"))


class Fixed(nn.Module):
    """A stand-in for sentence-transformers' model: hands out vectors that are already there."""

    device = torch.device("cpu")

    def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {"sentence_embedding": features["vectors"]}


def features(vectors: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
    return [{"vectors": v} for v in vectors]


FLAGS = {  # sentence-transformers' SoftmaxLoss knows these three: (u, v), |u−v|, u·v
    "u,v": (True, False, False),
    "diff": (False, True, False),
    "prod": (False, False, True),
    "diff,prod": (False, True, True),
    "u,v,prod": (True, False, True),
    "u,v,diff": (True, True, False),
    "u,v,diff,prod": (True, True, True),
}


@pytest.mark.parametrize("name", CONCATENATIONS)
def test_softmax_equals_sentence_transformers(name: str) -> None:
    from sentence_transformers.sentence_transformer.losses import SoftmaxLoss

    both, difference, product = FLAGS[name]
    theirs = SoftmaxLoss(
        Fixed(),
        8,
        3,
        concatenation_sent_rep=both,
        concatenation_sent_difference=difference,
        concatenation_sent_multiplication=product,
    ).double()
    ours = Softmax(8, 3, CONCATENATIONS[name]).double()
    ours.classifier.load_state_dict(theirs.classifier.state_dict())
    u, v = drawn(2)
    labels = torch.tensor(np.random.default_rng(0).integers(0, 3, 16))
    assert ours((u, v), labels).item() == pytest.approx(theirs(features([u, v]), labels).item(), abs=1e-12)


@pytest.mark.parametrize("name", ["cosine", "triplet"])
def test_cosine_and_triplet_equal_sentence_transformers(name: str) -> None:
    from sentence_transformers.sentence_transformer import losses

    theirs = losses.CosineSimilarityLoss(Fixed()) if name == "cosine" else losses.TripletLoss(Fixed(), triplet_margin=1)
    vectors, labels = drawn(2 if name == "cosine" else 3), torch.rand(16, dtype=torch.float64)
    ours = recipe(name).objective_module(8, 0)(vectors, labels)
    assert ours.item() == pytest.approx(theirs(features(vectors), labels).item(), abs=1e-6)  # theirs is float32


def test_softmax_is_the_formula_of_the_paper() -> None:
    u, v = drawn(2)
    labels = np.random.default_rng(0).integers(0, 3, 16)
    ours = Softmax(8, 3, ("u", "v", "abs(u-v)")).double()
    weight, bias = (p.detach().numpy() for p in ours.classifier.parameters())
    u, v = (x.numpy() for x in (u, v))
    logits = np.concatenate([u, v, np.abs(u - v)], axis=1) @ weight.T + bias
    expected = -log_softmax(logits, axis=1)[np.arange(16), labels].mean()
    assert ours(drawn(2), torch.tensor(labels)).item() == pytest.approx(expected, abs=1e-12)


def test_a_classifier_that_stays_as_drawn_hands_the_gradient_on() -> None:
    softmax = replace(recipe("softmax"), objective="softmax-drawn").objective_module(8, 3)
    assert not any(parameter.requires_grad for parameter in softmax.parameters())
    u, v = (vectors.float().requires_grad_() for vectors in drawn(2))
    softmax((u, v), torch.zeros(16, dtype=torch.int64)).backward()
    assert u.grad is not None
    assert u.grad.abs().max() > 0


def test_cosine_is_the_squared_error_of_the_cosine() -> None:
    u, v = drawn(2)
    labels = torch.rand(16, dtype=torch.float64)
    cosine = 1 - cdist(u, v, "cosine").diagonal()
    assert Cosine()((u, v), labels).item() == pytest.approx(((cosine - labels.numpy()) ** 2).mean(), abs=1e-12)


def test_triplet_is_the_hinge_of_euclidean_distances_with_margin_one() -> None:
    anchor, positive, negative = drawn(3)
    near, far = (cdist(anchor, other).diagonal() for other in (positive, negative))
    expected = np.maximum(near - far + 1, 0).mean()
    # pairwise_distance adds 1e-6 to each difference
    assert Triplet()((anchor, positive, negative), torch.zeros(16)).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(
    ("vectors", "expected"),
    [
        (([[0.0, 0]], [[3.0, 4]], [[0.0, 1]]), 5.0),  # 5 − 1 + 1
        (([[0.0, 0]], [[0.0, 1]], [[3.0, 4]]), 0.0),  # far enough
        (([[0.0, 0]], [[0.0, 1]], [[0.0, 1]]), 1.0),  # the margin alone
    ],
)
def test_triplet_by_hand(vectors: tuple[list[list[float]], ...], expected: float) -> None:
    loss = Triplet()([torch.tensor(v, dtype=torch.float64) for v in vectors], torch.zeros(1))
    assert float(loss) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["softmax", "cosine", "triplet", "contrastive"])
def test_every_gradient_is_that_of_finite_differences(name: str) -> None:
    torch.manual_seed(0)
    head = recipe(name).objective_module(8, 3).double()
    vectors = [v.requires_grad_() for v in drawn(3 if name in ("triplet", "contrastive") else 2, b=4)]
    labels = torch.tensor([0, 1, 2, 1]) if name == "softmax" else torch.rand(4, dtype=torch.float64)
    parameters = list(head.parameters())
    assert torch.autograd.gradcheck(lambda *inputs: head(inputs[: len(vectors)], labels), (*vectors, *parameters))


def test_cross_losses_are_those_of_transformers_classification_heads() -> None:
    logits = torch.randn(5, 3)
    labels = torch.tensor([0, 2, 1, 1, 0])
    expected = -log_softmax(logits.numpy(), axis=1)[np.arange(5), labels.numpy()].mean()
    assert float(cross_loss("cross-softmax", logits, labels)) == pytest.approx(expected, abs=1e-6)
    gold = torch.tensor([0.0, 5, 2.5, 1, 4])
    expected = float(((logits[:, 0] - gold) ** 2).mean())
    assert float(cross_loss("cross-regression", logits[:, :1], gold)) == pytest.approx(expected, abs=1e-6)


def test_all_concatenations_of_the_paper_are_there() -> None:
    assert len(CONCATENATIONS) == 7
    assert {part for parts in CONCATENATIONS.values() for part in parts} == set(PARTS)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_contrastive_is_the_direct_softmax_formula(count: int, temperature: float) -> None:
    """SimCSE eq. 1, and eq. 5 with hard negatives, pair by pair."""
    vectors = drawn(count)
    ours = Contrastive(8, head=False, temperature=temperature)(vectors, torch.empty(0))
    first, *others = (v.numpy() for v in vectors)
    similarity = [1 - cdist(first, other, "cosine") for other in others]  # (B, B) each
    logits = np.concatenate(similarity, axis=1) / temperature
    expected = -np.mean([log_softmax(row)[i] for i, row in enumerate(logits)])
    assert float(ours) == pytest.approx(expected, abs=1e-12)


def test_contrastive_equals_sentence_transformers() -> None:
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    vectors = drawn(3)
    theirs = MultipleNegativesRankingLoss(Fixed(), scale=20.0)(features(vectors), None)
    ours = Contrastive(8, head=False, temperature=0.05)(vectors, torch.empty(0))
    assert float(ours) == pytest.approx(float(theirs), abs=1e-12)


def test_the_head_is_a_dense_layer_and_tanh() -> None:
    vectors = drawn(2)
    objective = Contrastive(8, head=True, temperature=0.05).double()
    dense = objective.head[0]  # type: ignore[index]
    through = [torch.tanh(v @ dense.weight.T + dense.bias) for v in vectors]
    plain = Contrastive(8, head=False, temperature=0.05)
    assert float(objective(vectors, torch.empty(0)).detach()) == pytest.approx(
        float(plain(through, torch.empty(0)).detach())
    )


def info_nce(logits: np.ndarray) -> float:
    """−log of the share of each row's own column, on average."""
    return float(-log_softmax(logits, axis=1).diagonal().mean())


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("columns", [3, 4])  # one hard negative, or two: contradiction and neutral
def test_the_weight_of_hard_negatives_is_that_of_equation_8(alpha: float, columns: int) -> None:
    first, *others = drawn(columns)
    logits = np.concatenate([1 - cdist(first, other, "cosine") for other in others], axis=1) / 0.05
    weights = np.ones_like(logits)
    for column in range(1, columns - 1):
        weights[np.arange(16), column * 16 + np.arange(16)] = alpha
    terms = weights * np.exp(logits)
    expected = -np.log(terms.diagonal() / terms.sum(axis=1)).mean()
    ours = Contrastive(8, False, 0.05, hard_weight=alpha)((first, *others), torch.zeros(16))
    assert ours.item() == pytest.approx(expected, abs=1e-6)  # the weight's logarithm is float32


@pytest.mark.parametrize("temperature", [0.001, 0.05, 1.0])
@pytest.mark.parametrize("cosine", [True, False])
def test_similarity_and_temperature(temperature: float, cosine: bool) -> None:
    u, v = drawn(2)
    similarity = 1 - cdist(u, v, "cosine") if cosine else u.numpy() @ v.numpy().T
    ours = Contrastive(8, False, temperature, cosine=cosine)((u, v), torch.zeros(16))
    assert ours.item() == pytest.approx(info_nce(similarity / temperature), rel=1e-9)


def test_two_encoders_have_a_head_each() -> None:
    torch.manual_seed(0)
    contrastive = Contrastive(8, True, 0.05, encoders=2).double()
    assert contrastive.second is not None
    u, *others = drawn(3)
    (a, b), (c, d) = ((dense.weight, dense.bias) for dense in (contrastive.head[0], contrastive.second[0]))  # type: ignore[index]
    first, *rest = (
        (x @ w.T + bias).tanh().detach() for x, w, bias in zip((u, *others), (a, c, c), (b, d, d), strict=True)
    )
    logits = np.concatenate([1 - cdist(first, other, "cosine") for other in rest], axis=1) / 0.05
    assert contrastive((u, *others), torch.zeros(16)).item() == pytest.approx(info_nce(logits), abs=1e-9)


def test_gradients_of_what_ablations_change_are_those_of_finite_differences() -> None:
    torch.manual_seed(0)
    head = Contrastive(8, True, 1.0, hard_weight=2.0, cosine=False, encoders=2).double()
    vectors = [v.requires_grad_() for v in drawn(3, b=4)]
    inputs = (*vectors, *head.parameters())
    assert torch.autograd.gradcheck(lambda *inputs: head(inputs[:3], torch.zeros(4)), inputs)
