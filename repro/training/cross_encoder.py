"""Cross-encoders: a transformer that reads both sentences of a pair, trained and run.

Letters: B pairs in a batch, n pairs, k classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from repro.encoders.loading import SAFELY, load_tokenizer, quietly, refuse_missing
from repro.encoders.model_files import loading_errors
from repro.encoders.recipe import NO_LIMIT, TransformerRecipe
from repro.encoders.transformer import TOKEN_BUDGET, batches, each_batch, pick_device
from repro.encoders.weights import Resolved, resolve
from repro.errors import ReproError
from repro.training.data import Examples
from repro.training.dropout import use_cheap_dropout
from repro.training.objectives import cross_loss
from repro.training.recipe import TrainedRecipe


class CrossLearner:
    """A transformer that reads both sentences and gives one score, or one logit a class (Table 2's BERT rows)."""

    def __init__(self, base: TransformerRecipe, recipe: TrainedRecipe, examples: Examples, device: str) -> None:
        self.name = recipe.objective
        self.model = CrossEncoder(base, max(examples.classes, 1), device, new_head=True)
        self.module: nn.Module = self.model.module
        if self.model.device == "cpu":
            use_cheap_dropout(self.module)
        self.inputs = self.model.inputs(*examples.columns)
        assert examples.labels is not None
        self.labels = torch.from_numpy(examples.labels).to(self.model.device)

    def __len__(self) -> int:
        """Pairs."""
        return len(self.labels)

    def size(self, rows: np.ndarray) -> int:
        """Tokens of both sentences."""
        return sum(len(self.inputs[row]["input_ids"]) for row in rows)

    def loss(self, rows: np.ndarray) -> Tensor:
        """Mean loss () over the batch."""
        logits = self.model.logits([self.inputs[row] for row in rows])
        return cross_loss(self.name, logits, self.labels[torch.from_numpy(rows)])

    def similarities(self, first: Sequence[str], second: Sequence[str]) -> list[np.ndarray]:
        """The first logit (n,) of each pair: higher where the model takes the sentences for more alike."""
        return [self.model.predict(first, second)[:, 0]]

    def save(self, folder: Path) -> None:
        """In transformers' layout, which sentence-transformers' CrossEncoder reads too, with the length in tokens."""
        self.model.module.save_pretrained(folder)
        if self.model.cut:
            self.model.tokenizer.model_max_length = self.model.cut["max_length"]
        self.model.tokenizer.save_pretrained(folder)


class CrossEncoder:
    """Pairs → logits (n, k) float32, from a folder of transformers.

    `new_head`: a head (and the pooler below it) that is missing or does not fit is drawn at random, to be trained.
    """

    module: Any

    def __init__(
        self, recipe: TransformerRecipe, classes: int, device: str, new_head: bool = False, dtype: str = "float32"
    ) -> None:
        from transformers import AutoModelForSequenceClassification

        quietly()
        resolved: Resolved = resolve(recipe)
        self.device = pick_device(device)
        length = resolved.recipe.max_length or NO_LIMIT
        self.cut = {} if length == NO_LIMIT else {"truncation": True, "max_length": length}
        self.tokenizer = load_tokenizer(resolved.layout)
        special = self.tokenizer.num_special_tokens_to_add(pair=True)
        if self.cut and length < special + 2:
            raise ReproError(f"max_length {length} leaves no room for two words beside {special} special tokens")
        with loading_errors(resolved.folder):
            self.module, report = AutoModelForSequenceClassification.from_pretrained(
                resolved.folder,
                num_labels=classes,
                dtype=torch.float32,
                weights_only=True,
                ignore_mismatched_sizes=True,
                attn_implementation=None,
                output_loading_info=True,
                **SAFELY,
            )
        lost = {name for name, *_ in report["mismatched_keys"]} | set(report["missing_keys"])
        base = f"{self.module.base_model_prefix}."
        refuse_missing(resolved.folder, sorted(n for n in lost if n.startswith(base) and "pooler" not in n.split(".")))
        if not new_head:
            refuse_missing(resolved.folder, sorted(lost))
        self.module.to(self.device, getattr(torch, dtype)).eval()
        self.folder = resolved.folder

    def inputs(self, first: Sequence[str], second: Sequence[str]) -> list[dict[str, list[int]]]:
        """Token ids (and segment ids where the model has them) of each pair, cut at max_length."""
        encoded = self.tokenizer(list(first), list(second), **self.cut, return_attention_mask=False)
        return [{name: encoded[name][i] for name in encoded} for i in range(len(first))]

    def logits(self, inputs: Sequence[dict[str, list[int]]]) -> Tensor:
        """(B, k) for one batch of `inputs`; differentiable."""
        with loading_errors(self.folder, "the model fails on these pairs"):
            batch = self.tokenizer.pad(list(inputs), return_tensors="pt", return_attention_mask=True)
            return self.module(**batch.to(self.device)).logits.float()  # type: ignore[no-any-return]

    def predict(self, first: Sequence[str], second: Sequence[str]) -> np.ndarray:
        """float32 (n, k) logits, the model in evaluation mode."""
        self.module.eval()
        inputs = self.inputs(first, second)
        lengths = np.array([max(len(item["input_ids"]), 1) for item in inputs])  # a pair without a token is run too
        cut = batches(lengths, TOKEN_BUDGET[torch.device(self.device).type])

        @torch.inference_mode()  # holds for one thread
        def forward(rows: np.ndarray) -> np.ndarray:
            return self.logits([inputs[row] for row in rows]).cpu().numpy()  # (B, k)

        logits = np.empty((len(inputs), self.module.config.num_labels), np.float32)
        for rows, of_batch in zip(cut, each_batch(forward, cut, self.device), strict=True):
            logits[rows] = of_batch
        return logits
