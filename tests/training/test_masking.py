"""Which tokens are hidden, against what their probabilities allow, and the loss, against transformers' own."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from repro.training.masking import MASKED, RANDOM, SHARE, MaskedLanguageModel, mask

VOCABULARY, MASK_ID = 1000, 4


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch() -> tuple[Tensor, Tensor]:
    """(ids (200, 100) of which a fifth are below 5, which of them are special)."""
    ids = torch.randint(5, VOCABULARY, (200, 100), generator=generator())
    ids[:, ::5] = torch.randint(0, 5, (200, 20), generator=generator(1))
    return ids, ids < 5


def within(count: float, n: int, p: float) -> bool:
    """Whether a binomial count is no further than five standard deviations from what is expected."""
    return abs(count - n * p) < 5 * math.sqrt(n * p * (1 - p))


def test_chosen_tokens_and_what_becomes_of_them_are_as_many_as_the_paper_says() -> None:
    ids, special = batch()
    masked = mask(ids, special, MASK_ID, VOCABULARY, generator())
    read, m = masked.ids.flatten()[masked.places], len(masked.places)
    assert within(m, int((~special).sum()), SHARE)
    hidden, kept = (read == MASK_ID), (read == masked.words)
    random = ~hidden & ~kept
    as_drawn = 1 / VOCABULARY  # a random word may be [MASK], or the word itself
    assert within(int(hidden.sum()), m, MASKED + RANDOM * as_drawn)
    assert within(int(kept.sum()), m, 1 - MASKED - RANDOM + RANDOM * as_drawn)
    assert within(int(random.sum()), m, RANDOM * (1 - 2 * as_drawn))
    assert within(int((read[random] < VOCABULARY // 2).sum()), int(random.sum()), 0.5)


def test_special_tokens_and_those_that_are_not_chosen_stay_as_they_are() -> None:
    ids, special = batch()
    masked = mask(ids, special, MASK_ID, VOCABULARY, generator())
    assert not special.flatten()[masked.places].any()
    torch.testing.assert_close(ids.flatten()[masked.places], masked.words)
    others = torch.ones(ids.numel(), dtype=torch.bool)
    others[masked.places] = False
    assert torch.equal(masked.ids.flatten()[others], ids.flatten()[others])


def test_masks_are_drawn_anew_each_time_and_the_same_from_one_seed() -> None:
    ids, special = batch()
    first, again, other = (mask(ids, special, MASK_ID, VOCABULARY, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first.ids, again.ids)
    assert torch.equal(first.places, again.places)
    assert not torch.equal(first.ids, other.ids)
    torch.manual_seed(7)
    one, two = (mask(ids, special, MASK_ID, VOCABULARY) for _ in range(2))
    assert not torch.equal(one.ids, two.ids)


@pytest.fixture
def theirs() -> object:
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    model = BertForMaskedLM(config)
    for parameter in model.cls.parameters():  # so that norm and biases are not what they begin with
        torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


def test_the_loss_and_its_gradients_are_those_of_transformers(theirs: object) -> None:
    ids, special = batch()
    ids, special, padded = ids[:8].clone(), special[:8], torch.ones(8, 100, dtype=torch.long)
    padded[::2, 90:] = 0
    masked = mask(ids, special | (padded == 0), MASK_ID, VOCABULARY, generator())
    labels = torch.full_like(ids, -100).flatten().index_copy(0, masked.places, masked.words).view_as(ids)
    expected = theirs(input_ids=masked.ids, attention_mask=padded, labels=labels).loss  # type: ignore[operator]
    expected.backward()
    encoder, state = theirs.bert, theirs.state_dict()  # type: ignore[attr-defined]
    gradients = {name: p.grad.clone() for name, p in theirs.named_parameters()}  # type: ignore[attr-defined]
    encoder.zero_grad()
    head = MaskedLanguageModel(32, VOCABULARY, MASK_ID, range(5))
    head.load_from(state)
    loss = head.loss(encoder, masked, padded)
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=0)
    loss.backward()
    own = {f"bert.{name}": p.grad for name, p in encoder.named_parameters()}
    own |= {name: p.grad for (_, p), name in zip(head.named_parameters(), head.in_bert(), strict=True)}
    assert own.keys() == gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(own[name], gradient, atol=1e-5, rtol=1e-4, msg=name)


def test_the_head_hides_nothing_special_and_draws_from_torch(theirs: object) -> None:
    """What SimCSE's auxiliary loss calls: the head on a model and a batch."""
    ids, _ = batch()
    head = MaskedLanguageModel(32, VOCABULARY, MASK_ID, range(5))
    encoder = theirs.bert  # type: ignore[attr-defined]
    with torch.inference_mode():
        torch.manual_seed(3)
        first = float(head(encoder, ids[:4]))
        torch.manual_seed(3)
        assert float(head(encoder, ids[:4])) == first != float(head(encoder, ids[:4]))
        assert first == pytest.approx(math.log(VOCABULARY), abs=0.5)  # drawn weights know nothing
        assert float(head(encoder, torch.randint(5, (2, 6)))) == 0  # special tokens alone
