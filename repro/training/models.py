"""What is trained: sentence encoders with an objective on top. Cross-encoders are in cross_encoder.py.

Letters: B examples in a batch, T tokens, d dimensions, k classes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from repro.encoders.loading import PARTS
from repro.encoders.model_files import loading_errors
from repro.encoders.recipe import NO_LIMIT, TransformerRecipe
from repro.encoders.tokens import Tokens, join
from repro.encoders.transformer import FAILS, TransformerEncoder
from repro.encoders.weights import resolve
from repro.errors import ReproError
from repro.metrics.correlation import cosines
from repro.training.data import Examples
from repro.training.dropout import use_cheap_dropout
from repro.training.recipe import TrainedRecipe

# Sentences that go through the encoder together, padded to the longest of them: fewer waste less on padding, more
# make better use of the machine. On two cores eight are the fastest of 4…32; a GPU takes the batch whole.
GROUP = {"cpu": 8, "cuda": 1024, "mps": 1024}


class Learner(Protocol):
    """A model with its training examples; a selection.Scorer too where its recipe looks at a dev set."""

    @property
    def module(self) -> nn.Module:
        """Everything that is trained, the head included."""
        ...

    def __len__(self) -> int:
        """How many examples it is trained on."""
        ...

    def size(self, rows: np.ndarray) -> int:
        """Tokens of the examples of those indices (B,)."""
        ...

    def loss(self, rows: np.ndarray) -> Tensor:
        """Mean loss () of the examples of those indices (B,)."""
        ...

    def save(self, folder: Path) -> None:
        """Write the trained model into an empty folder."""
        ...


class SentenceLearner:
    """A sentence encoder under softmax, cosine, triplet or contrastive objective."""

    def __init__(self, base: TransformerRecipe, recipe: TrainedRecipe, examples: Examples, device: str) -> None:
        resolved = resolve(base)
        if resolved.heads:
            kind = resolved.heads[0].kind
            raise ReproError(f"{base.weights} has a {kind} module; name a pooling, such as {base.weights},pooling=mean")
        if recipe.keeps_head and resolved.recipe.normalize:
            raise ReproError(
                f"{base.weights}: normalize would stand between the pooling and the head that this training keeps; "
                "leave it out"
            )
        self.encoder = TransformerEncoder([resolved], device)
        if self.encoder.model.config.model_type in PARTS:
            raise ReproError(
                f"{base.weights} is an encoder-decoder whose encoder cannot be saved alone; name another base"
            )
        self.encoder.model = _without_pooler(self.encoder.model)
        if self.encoder.device == "cpu":
            use_cheap_dropout(self.encoder.model)
        self.resolved = resolved
        objective: Any = recipe.objective_module(self.encoder.widths[0], examples.classes).to(self.encoder.device)
        self.module: Any = nn.ModuleDict({"encoder": self.encoder.model, "objective": objective})
        self.kept: Any = objective.head if recipe.keeps_head else None  # the part of it that belongs to the model
        self.tokens = [self.encoder.tokens(column, recipe.length_in_training) for column in examples.columns]
        self.looks_up = self._looks_up()
        labels = torch.zeros(len(examples)) if examples.labels is None else torch.from_numpy(examples.labels)  # (n,)
        self.labels = (labels if examples.classes else labels / 5).to(self.encoder.device)  # a cosine's gold is of 0-1

    def __len__(self) -> int:
        """Examples: pairs, triplets, or a sentence twice."""
        return len(self.labels)

    def size(self, rows: np.ndarray) -> int:
        """Tokens of all their texts."""
        return sum(int(column.lengths[rows].sum()) for column in self.tokens)

    def loss(self, rows: np.ndarray) -> Tensor:
        """Mean objective () over the batch."""
        vectors = self._vectors([column.select(rows) for column in self.tokens])
        return self._objective(vectors, rows)

    def _objective(self, vectors: Sequence[Tensor], rows: np.ndarray) -> Tensor:
        """Mean objective () in float32, whatever the encoder computes in: a cosine divided by 0.05 needs its digits."""
        with torch.autocast(torch.device(self.encoder.device).type, enabled=False):
            return self.module["objective"](vectors, self.labels[torch.from_numpy(rows)])  # type: ignore[no-any-return]

    def _vectors(self, columns: Sequence[Tokens], encoder: TransformerEncoder | None = None) -> list[Tensor]:
        """(B, d) for each text column. All texts of a batch go in groups of like length: same numbers, less padding."""
        with loading_errors(self.resolved.folder, FAILS):  # some are computed and cannot be trained
            return self._computed(columns, encoder or self.encoder)

    def _computed(self, columns: Sequence[Tokens], encoder: TransformerEncoder) -> list[Tensor]:
        if self.resolved.recipe.pooling == "max-padded":  # a column at once, as in the first release
            return [encoder.vectors(column)[0] for column in columns]
        texts = join(columns)
        order = np.argsort(texts.lengths, kind="stable")
        grouped = [encoder.vectors(*group)[0] for group in self._groups(texts.select(order), encoder)]
        vectors = torch.cat(grouped)  # (texts, d)
        return list(vectors[torch.from_numpy(np.argsort(order)).to(vectors.device)].chunk(len(columns)))

    def _groups(self, texts: Tokens, encoder: TransformerEncoder) -> Iterator[tuple[Tokens, Tensor | None]]:
        """Texts, sorted by length, that go through the encoder together, and their token embeddings.

        One look-up for all groups: its gradient is as large as the vocabulary. None where the model wants the ids.
        """
        embedded = _embedded(encoder, texts) if self.looks_up else None  # (texts, T, d)
        size = GROUP[torch.device(encoder.device).type]
        for start in range(0, len(texts), size):
            rows = np.arange(start, min(start + size, len(texts)))
            yield texts.select(rows), None if embedded is None else embedded[start : start + size]

    @torch.inference_mode()
    def _looks_up(self) -> bool:
        """Whether embeddings that were looked up before give what ids give; some models do more with ids than that."""
        few = self.tokens[0].select(np.arange(min(2, len(self.tokens[0]))))
        with loading_errors(self.resolved.folder, FAILS):
            from_ids = self.encoder.vectors(few)[0]
        try:
            from_embeddings = self.encoder.vectors(few, _embedded(self.encoder, few))[0]
        except (TypeError, ValueError, NotImplementedError, AttributeError, RuntimeError):
            return False
        return torch.allclose(from_embeddings, from_ids, rtol=1e-3, atol=1e-3 * float(from_ids.abs().max()))

    def similarities(self, first: Sequence[str], second: Sequence[str]) -> list[np.ndarray]:
        """Cosines, and Manhattan and Euclidean distances with a minus, (n,) each; NaN where no vectors come out."""
        vectors = self.encoder.encode([*first, *second])
        if self.kept is not None:
            with torch.inference_mode():
                vectors = self.kept(torch.from_numpy(vectors).to(self.encoder.device)).cpu().numpy()
        if not np.isfinite(vectors).all():  # of a training that diverged
            return [np.full(len(first), np.nan)] * 3
        apart = vectors[: len(first)].astype(np.float64) - vectors[len(first) :]  # (n, d)
        cosine = cosines(vectors, np.arange(len(first)), len(first) + np.arange(len(second)))
        return [cosine, -np.abs(apart).sum(axis=1), -np.sqrt(np.square(apart).sum(axis=1))]

    def save(self, folder: Path) -> None:
        """In sentence-transformers' layout: `SentenceTransformer(folder)` gives the same embeddings.

        That layout knows no average of layers: a model with one is written as a plain transformer, without its pooling.
        """
        self.encoder.model.save_pretrained(folder)
        self.encoder.tokenizer.save_pretrained(folder)
        recipe = self.resolved.recipe
        plain = not self.resolved.layout.lowercase and not recipe.prompt and self.kept is None
        if recipe.layers != (-1,) and plain:
            return
        kinds = ["Transformer", "Pooling"]
        kinds += ["Dense"] if self.kept is not None else []
        kinds += ["Normalize"] if recipe.normalize else []
        modules = [
            {
                "idx": number,
                "name": str(number),
                "path": f"{number}_{kind}" if number else "",
                "type": f"sentence_transformers.models.{kind}",
            }
            for number, kind in enumerate(kinds)
        ]
        width = self.encoder.widths[0]
        flags = {"cls": "cls_token", "max": "max_tokens", "max-padded": "max_tokens", "mean": "mean_tokens"}
        flags |= {"mean-sqrt-len": "mean_sqrt_len_tokens", "weighted-mean": "weightedmean_tokens", "last": "lasttoken"}
        if recipe.pooling not in flags or recipe.layers != (-1,):
            raise ReproError(f"pooling {recipe.pooling} of layers {recipe.layers} cannot be written as a model folder")
        pooling = {"word_embedding_dimension": width, f"pooling_mode_{flags[recipe.pooling]}": True}
        if not self.resolved.layout.prompt_pooled:
            pooling["include_prompt"] = False
        if recipe.pooling != "mean":  # sentence-transformers' default
            pooling["pooling_mode_mean_tokens"] = False
        length = None if recipe.max_length == NO_LIMIT else recipe.max_length
        limits = {"max_seq_length": length, "do_lower_case": self.resolved.layout.lowercase}
        if recipe.prompt:
            prompts = {"prompts": {"default": recipe.prompt}, "default_prompt_name": "default"}
            _write_json(folder / "config_sentence_transformers.json", prompts)
        _write_json(folder / "modules.json", modules)
        _write_json(folder / "sentence_bert_config.json", limits)
        _write_json(folder / "1_Pooling" / "config.json", pooling)
        for number, kind in enumerate(kinds[2:], 2):
            (folder / f"{number}_{kind}").mkdir()
        if self.kept is not None:
            sizes = {"in_features": width, "out_features": width, "bias": True}
            about = sizes | {"activation_function": "torch.nn.modules.activation.Tanh"}
            _write_json(folder / "2_Dense" / "config.json", about)
            dense = {f"linear.{name}": value.cpu() for name, value in self.kept[0].state_dict().items()}
            save_file(dense, folder / "2_Dense" / "model.safetensors")


def _embedded(encoder: TransformerEncoder, texts: Tokens) -> Tensor:
    """(texts, T, d) token embeddings."""
    ids = torch.from_numpy(texts.pad(encoder.tokenizer.pad_token_id or 0)[0])  # (texts, T)
    embedded: Tensor = encoder.model.get_input_embeddings()(ids.to(encoder.device))
    return embedded


def _without_pooler(model: Any) -> Any:
    """The model without the dense layer over [CLS] that sentence vectors do not use: it would never get a gradient."""
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    return model


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
