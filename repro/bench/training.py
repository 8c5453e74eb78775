"""`repro bench train`: the trainer against sentence-transformers' own, same weights, data order and settings."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from repro.encoders.weights import resolve
from repro.encoders.zoo import MINILM
from repro.evaluation.suite import Suite
from repro.training import trainer
from repro.training.data import Examples
from repro.training.models import SentenceLearner
from repro.training.recipe import TrainedRecipe
from repro.training.selection import score
from repro.training.setups import NLI_SAMPLE, STSB, on

SEED = 0


def train(suite: Suite, count: int | None, repeats: int) -> Iterator[str]:
    """STS-B regression and NLI softmax on `count` examples (default: STS-B whole, as many of NLI), `repeats` epochs."""
    for name, training in (("STS-B, cosine", STSB), ("NLI sample, softmax", NLI_SAMPLE)):
        # the settings of AdamW that sentence-transformers' trainer has today
        recipe = replace(on(training, MINILM), epochs=repeats, select_every=None, epsilon=1e-8, bias_correction=True)
        examples = suite.examples(recipe.data).sample(count or 5749, SEED)
        ours = SentenceLearner(recipe.root, recipe, examples, "cpu")
        theirs = _Theirs(recipe, examples)
        theirs.copy_head(ours)
        rows = next(trainer.batches(len(examples), recipe.batch_size, 1, SEED))[1]
        losses = _first_loss(ours, rows), theirs.first_loss(rows)
        yield f"{name}: loss of the first batch {losses[0]:.7f}, theirs {losses[1]:.7f}, {losses[0] - losses[1]:+.1e}"
        dev = list(suite.load("stsb-dev"))
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            trainer.train(ours, len(examples), recipe, SEED, Path(folder), "bench")
            ours_seconds = time.perf_counter() - start
            theirs_seconds = theirs.train(Path(folder))
        steps = sum(1 for _ in trainer.batches(len(examples), recipe.batch_size, repeats, SEED))
        pairs = repeats * len(examples)
        yield (
            f"{name}: {pairs / ours_seconds:.1f} pairs a second, theirs {pairs / theirs_seconds:.1f}, "
            f"{theirs_seconds / ours_seconds:.2f}× ({steps} steps, {torch.get_num_threads()} threads)"
        )
        scores = score(ours, dev, cosine_only=True), theirs.dev_score(ours, dev)
        yield f"{name}: STS-B dev {scores[0]:.2f}, theirs {scores[1]:.2f} ({scores[0] - scores[1]:+.2f})"


def _first_loss(learner: SentenceLearner, rows: np.ndarray) -> float:
    """Without dropout."""
    learner.module.eval()
    with torch.no_grad():
        return float(learner.loss(rows))


class _Theirs:
    """sentence-transformers' model, loss and trainer with the recipe's settings."""

    def __init__(self, recipe: TrainedRecipe, examples: Examples) -> None:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer import losses, modules

        folder = resolve(recipe.root).folder
        transformer = modules.Transformer(str(folder), max_seq_length=recipe.root.max_length)
        pooling = modules.Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
        self.recipe, self.examples = recipe, examples
        self.model = SentenceTransformer(modules=[transformer, pooling], device="cpu")
        if recipe.objective == "softmax":
            self.loss: Any = losses.SoftmaxLoss(self.model, pooling.get_embedding_dimension(), examples.classes)
        else:
            self.loss = losses.CosineSimilarityLoss(self.model)

    def copy_head(self, learner: SentenceLearner) -> None:
        """Begin with our classifier's weights."""
        if self.recipe.objective == "softmax":
            self.loss.classifier.load_state_dict(learner.module["objective"].classifier.state_dict())

    def _labels(self) -> np.ndarray:
        assert self.examples.labels is not None
        return self.examples.labels if self.examples.classes else self.examples.labels / 5

    def first_loss(self, rows: np.ndarray) -> float:
        """Without dropout."""
        self.loss.eval()
        features = [self.model.preprocess([column[row] for row in rows]) for column in self.examples.columns]
        with torch.no_grad():
            return float(self.loss(features, torch.from_numpy(self._labels()[rows])))

    def train(self, folder: Path) -> float:
        """Seconds of trainer.train()."""
        from datasets import Dataset
        from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments

        recipe, count = self.recipe, len(self.examples)
        data = Dataset.from_dict(
            {
                "sentence1": list(self.examples.columns[0]),
                "sentence2": list(self.examples.columns[1]),
                "label": self._labels().tolist(),
            }
        )
        in_order: Any = lambda dataset, **settings: _InOrder(count, recipe)  # noqa: E731
        arguments = SentenceTransformerTrainingArguments(
            output_dir=str(folder / "theirs"),
            num_train_epochs=recipe.epochs,
            per_device_train_batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            max_grad_norm=recipe.clip,
            warmup_steps=recipe.warmup,  # below 1: a share
            lr_scheduler_type="linear",
            seed=SEED,
            batch_sampler=in_order,
            use_cpu=True,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        run = SentenceTransformerTrainer(model=self.model, args=arguments, train_dataset=data, loss=self.loss)
        start = time.perf_counter()
        run.train()
        return time.perf_counter() - start

    def dev_score(self, ours: SentenceLearner, dev: list[Any]) -> float:
        """Their weights in our evaluation: the encoders agree (`repro bench encode`), the weights are compared."""
        transformer: Any = self.model[0]
        state = transformer.auto_model.state_dict()
        ours.encoder.model.load_state_dict({k: v for k, v in state.items() if not k.startswith("pooler.")})
        return score(ours, dev, cosine_only=True)


class _InOrder:
    """A batch sampler with the batches of our trainer, epoch by epoch."""

    def __init__(self, count: int, recipe: TrainedRecipe) -> None:
        batches = [rows.tolist() for _, rows in trainer.batches(count, recipe.batch_size, recipe.epochs, SEED)]
        self.size = len(batches) // recipe.epochs
        self.epochs = [batches[start : start + self.size] for start in range(0, len(batches), self.size)]
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.epochs[self.epoch])

    def __len__(self) -> int:
        return self.size
