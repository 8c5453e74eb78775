"""Masked language modelling (Devlin et al. 2019, §3.1 and A.1): which tokens are hidden, and what guessing them costs.

Letters: B texts in a batch, T tokens, m of them chosen, d dimensions, V words in the vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SHARE = 0.15  # of the tokens are chosen, of which
MASKED, RANDOM = 0.8, 0.1  # become [MASK], or a random word; the others stay
INITIAL = 0.02  # standard deviation of BERT's first weights
# what BERT's checkpoints in transformers' layout call the head's parameters
IN_BERT = {
    "dense.weight": "cls.predictions.transform.dense.weight",
    "dense.bias": "cls.predictions.transform.dense.bias",
    "norm.weight": "cls.predictions.transform.LayerNorm.weight",
    "norm.bias": "cls.predictions.transform.LayerNorm.bias",
    "bias": "cls.predictions.bias",
    "decoder": "cls.predictions.decoder.weight",
}


@dataclass(frozen=True)
class Masked:
    """A batch as the model reads it, and what it is to guess."""

    ids: Tensor  # (B, T) int64, or (tokens,)
    places: Tensor  # (m,) int64, of the chosen tokens in the flattened batch
    words: Tensor  # (m,) int64, which stood there


def mask(
    ids: Tensor, special: Tensor, mask_id: int, vocabulary: int, generator: torch.Generator | None = None
) -> Masked:
    """Choose each token of ids (B, T) but the `special` (B, T) ones with probability SHARE, and hide it.

    Both may be flat, (tokens,), of texts that are not padded.
    Drawn anew at each call (Liu et al. 2019, §4.1), from the generator or else torch's own, which the trainer seeds
    for every step.
    """
    chosen = (torch.rand(ids.shape, generator=generator) < SHARE) & ~special
    places = chosen.flatten().nonzero()[:, 0]  # (m,)
    words = ids.flatten()[places]
    drawn = torch.rand(len(places), generator=generator)
    random = torch.randint(vocabulary, (len(places),), generator=generator)
    hidden = torch.where(drawn < MASKED, mask_id, torch.where(drawn < MASKED + RANDOM, random, words))
    return Masked(ids.flatten().index_copy(0, places, hidden).view_as(ids), places, words)


class MaskedLanguageModel(nn.Module):
    """Cross-entropy of the chosen tokens, guessed from the last layer through BERT's head.

    The head: a dense layer, GELU, layer norm, the product with the model's own input embeddings, a bias for each word.
    Only the chosen tokens are multiplied with the vocabulary, by far the largest matrix.

    `decoder` (V, d): what that product begins with where it is trained apart from the embeddings.
    """

    special: Tensor

    def __init__(
        self,
        d: int,
        vocabulary: int,
        mask_id: int,
        special: Sequence[int],
        epsilon: float = 1e-12,
        decoder: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.mask_id = mask_id
        self.dense = nn.Linear(d, d)
        nn.init.normal_(self.dense.weight, std=INITIAL)
        nn.init.zeros_(self.dense.bias)
        self.norm = nn.LayerNorm(d, eps=epsilon)
        self.bias = nn.Parameter(torch.zeros(vocabulary))
        self.decoder = None if decoder is None else nn.Parameter(decoder.detach().clone())
        self.register_buffer("special", torch.tensor(sorted(special)), persistent=False)

    def forward(self, model: Any, ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Mean loss () of a transformer on ids (B, T), some of which are hidden from it; 0 where none is chosen."""
        return self.loss(model, self.hide(ids), attention_mask)

    def hide(self, ids: Tensor) -> Masked:
        """Some of the tokens of ids (B, T) or (tokens,), drawn from torch's generator; on the CPU."""
        return mask(ids.cpu(), torch.isin(ids, self.special).cpu(), self.mask_id, len(self.bias))

    def loss(self, model: Any, masked: Masked, attention_mask: Tensor | None = None) -> Tensor:
        """Mean loss () of a transformer over the chosen tokens of a padded batch."""
        ids = masked.ids.to(self.bias.device)  # (B, T)
        hidden = model(input_ids=ids, attention_mask=attention_mask).last_hidden_state  # (B, T, d)
        return self.guess(hidden.flatten(0, 1), masked, model.get_input_embeddings().weight)

    def guess(self, hidden: Tensor, masked: Masked, embeddings: Tensor) -> Tensor:
        """Mean loss () over the chosen tokens, given the last layer's vectors (tokens, d) and the embeddings (V, d)."""
        device = self.bias.device
        logits = self.logits(hidden[masked.places.to(device)], embeddings)  # (m, V)
        total = functional.cross_entropy(logits.float(), masked.words.to(device), reduction="sum")
        return total / max(1, len(masked.words))

    def logits(self, hidden: Tensor, embeddings: Tensor) -> Tensor:
        """(m, V) of the last layer's vectors (m, d), given the input embeddings (V, d)."""
        words = embeddings if self.decoder is None else self.decoder
        return functional.linear(self.norm(functional.gelu(self.dense(hidden))), words, self.bias)

    def in_bert(self) -> dict[str, Tensor]:
        """Its parameters under the names that they have in a checkpoint of BERT."""
        return {IN_BERT[name]: parameter.detach() for name, parameter in self.named_parameters()}

    def load_from(self, checkpoint: Mapping[str, Tensor]) -> None:
        """Go on with the head of a checkpoint of BERT; KeyError where it has none."""
        self.load_state_dict({name: checkpoint[IN_BERT[name]] for name, _ in self.named_parameters()})
