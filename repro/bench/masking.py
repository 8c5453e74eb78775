"""`repro bench mlm`: masked language modelling against transformers' own Trainer, same model, blocks and settings."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from repro.bench.common import ratios, timed
from repro.evaluation.suite import Suite
from repro.training import trainer
from repro.training.language_model import MaskedLearner
from repro.training.masking import mask
from repro.training.setups import MLM_BASE

SEED = 0
RECIPE = replace(MLM_BASE, passes=1)


def mlm(suite: Suite, count: int | None, repeats: int) -> Iterator[str]:
    """Both in turns, each over all blocks of `count` sentences (default: 2,500), in the precision that is fast here."""
    dtype = trainer.native_dtype("cpu")
    torch.manual_seed(SEED)
    ours = MaskedLearner(RECIPE.root, RECIPE, suite.examples(RECIPE.data).sample(count or 2500, SEED), "cpu")
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours.save(folder / "start")
        theirs = _Theirs(folder, ours, dtype)
        losses = _first_losses(ours, theirs)
        yield f"loss of the first batch {losses[0]:.7f}, theirs {losses[1]:.7f}, {losses[0] - losses[1]:+.1e}"
        for turn in range(repeats):
            options, place = trainer.Options(dtype=dtype), folder / f"turn-{turn}"
            train = lambda: trainer.train(ours, len(ours), RECIPE, SEED, place, "bench", None, options)  # noqa: B023, E731
            seconds["ours"].append(timed(train)[0])
            seconds["theirs"].append(timed(theirs.train)[0])
    tokens = ours.size(np.arange(len(ours)))
    rates = ", theirs ".join(f"{tokens / min(of_one):,.0f}" for of_one in seconds.values())
    yield (
        f"{rates} tokens a second ({len(ours)} blocks of {RECIPE.length}, batches of {RECIPE.batch_size}, {dtype}, "
        f"{torch.get_num_threads()} threads): {ratios(seconds['theirs'], seconds['ours'])}"
    )


class _Theirs:
    """BertForMaskedLM, transformers' collator and its Trainer, from the same weights and with the recipe's settings."""

    def __init__(self, folder: Path, ours: MaskedLearner, dtype: str) -> None:
        from transformers import BertForMaskedLM

        self.model: Any = BertForMaskedLM.from_pretrained(folder / "start")
        self.folder, self.ours, self.dtype = folder, ours, dtype

    def train(self) -> None:
        """One epoch over the blocks."""
        from datasets import Dataset
        from transformers import DataCollatorForLanguageModeling, PrinterCallback, Trainer, TrainingArguments

        arguments = TrainingArguments(
            output_dir=str(self.folder / "theirs"),
            num_train_epochs=1,
            per_device_train_batch_size=RECIPE.batch_size,
            learning_rate=RECIPE.learning_rate,
            weight_decay=RECIPE.weight_decay,
            adam_epsilon=RECIPE.epsilon,
            max_grad_norm=RECIPE.clip,
            warmup_steps=RECIPE.warmup,  # below 1: a share
            lr_scheduler_type="linear",
            bf16=self.dtype == "bfloat16",
            seed=SEED,
            use_cpu=True,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        blocks = self.ours.blocks
        read = (blocks != self.ours.padding).astype(np.int64)
        data = Dataset.from_dict({"input_ids": blocks, "attention_mask": read})
        collator = DataCollatorForLanguageModeling(self.ours.tokenizer)
        run = Trainer(model=self.model, args=arguments, train_dataset=data, data_collator=collator)
        run.remove_callback(PrinterCallback)
        run.train()


def _first_losses(ours: MaskedLearner, theirs: _Theirs) -> tuple[float, float]:
    """Of one masking of the first batch, without dropout, in float32."""
    ids = torch.from_numpy(ours.blocks[: RECIPE.batch_size].astype(np.int64))
    head, read = ours.module["head"], (ids != ours.padding).long()
    masked = mask(ids, torch.isin(ids, head.special), head.mask_id, len(head.bias))
    labels = torch.full_like(ids, -100).flatten().index_copy(0, masked.places, masked.words).view_as(ids)
    ours.module.eval()
    theirs.model.eval()
    with torch.inference_mode():
        own = head.loss(ours.module["encoder"], masked, read)
        return float(own), float(theirs.model(input_ids=masked.ids, attention_mask=read, labels=labels).loss)
