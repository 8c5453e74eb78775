"""A BERT that is trained from nothing by masked language modelling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from repro.encoders.loading import load_tokenizer, quietly
from repro.encoders.recipe import TransformerRecipe
from repro.encoders.tokens import tokenize
from repro.encoders.transformer import pick_device
from repro.encoders.weights import resolve
from repro.errors import ReproError
from repro.training.data import Examples
from repro.training.dropout import use_cheap_dropout
from repro.training.masking import MaskedLanguageModel
from repro.training.packing import pack
from repro.training.recipe import MaskedRecipe


class MaskedLearner:
    """Weights as BERT draws them, the tokenizer of the base, and sentences packed anew for each pass over them.

    Weights and packing are drawn from torch's generator, which the caller has seeded.
    """

    def __init__(self, base: TransformerRecipe, recipe: MaskedRecipe, examples: Examples, device: str) -> None:
        from transformers import BertConfig, BertModel

        quietly()
        resolved = resolve(base)
        self.tokenizer: Any = load_tokenizer(resolved.layout)
        if self.tokenizer.mask_token_id is None or self.tokenizer.cls_token_id is None:
            raise ReproError(f"the tokenizer of {base.weights} has no [MASK] or no [CLS]; name another base")
        self.padding = self.tokenizer.pad_token_id or 0
        config = BertConfig(
            vocab_size=max(self.tokenizer.get_vocab().values()) + 1,  # a vocabulary may have gaps
            hidden_size=recipe.width,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            intermediate_size=4 * recipe.width,
            max_position_embeddings=recipe.length,
            pad_token_id=self.padding,
        )
        self.device = pick_device(device)
        encoder = BertModel(config, add_pooling_layer=False)
        if self.device == "cpu":
            use_cheap_dropout(encoder)
        special = self.tokenizer.all_special_ids
        head = MaskedLanguageModel(
            recipe.width, config.vocab_size, self.tokenizer.mask_token_id, special, config.layer_norm_eps
        )
        self.module: Any = nn.ModuleDict({"encoder": encoder, "head": head}).to(self.device)
        (sentences,) = examples.columns
        tokens = tokenize(self.tokenizer, sentences, recipe.length)
        rng = np.random.default_rng(int(torch.randint(2**62, ())))
        passes = [pack(tokens, recipe.length, self.padding, rng) for _ in range(recipe.passes)]
        self.blocks = np.concatenate(passes)  # (n, length) int32

    def __len__(self) -> int:
        """Blocks of all passes."""
        return len(self.blocks)

    def size(self, rows: np.ndarray) -> int:
        """Tokens of these blocks, the few of padding included."""
        return len(rows) * int(self.blocks.shape[1])

    def loss(self, rows: np.ndarray) -> Tensor:
        """Mean loss () over the tokens that are hidden in these blocks, others each time."""
        ids = torch.from_numpy(self.blocks[rows].astype(np.int64)).to(self.device)  # (B, length)
        return self.module["head"](self.module["encoder"], ids, (ids != self.padding).long())  # type: ignore[no-any-return]

    def save(self, folder: Path) -> None:
        """In transformers' layout, as BertForMaskedLM: as an encoder it is read without its head."""
        from transformers import BertForMaskedLM

        encoder: Any = self.module["encoder"]
        whole: Any = BertForMaskedLM(encoder.config)
        state = {f"bert.{name}": value for name, value in encoder.state_dict().items()}
        left_out = whole.load_state_dict(state | self.module["head"].in_bert(), strict=False)
        assert not left_out.unexpected_keys
        assert all(".decoder." in name for name in left_out.missing_keys)  # tied to the embeddings
        whole.save_pretrained(folder)
        self.tokenizer.model_max_length = self.blocks.shape[1]
        self.tokenizer.save_pretrained(folder)
