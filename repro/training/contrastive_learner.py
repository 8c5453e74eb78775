"""A sentence encoder under contrastive training, with whatever the recipe changes of SimCSE's.

All that is drawn in a step comes from torch's generator, which the trainer seeds for every step: a training that goes
on after a kill draws what it would have drawn.

Letters: B examples in a batch, T tokens, d dimensions.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from repro.encoders.loading import load_masked_lm
from repro.encoders.model_files import loading_errors
from repro.encoders.recipe import TransformerRecipe
from repro.encoders.tokens import Tokens, join
from repro.encoders.transformer import FAILS, TransformerEncoder
from repro.errors import NotAvailable, ReproError
from repro.training import augment
from repro.training.contrastive import ContrastiveRecipe
from repro.training.data import Examples
from repro.training.dropout import set_dropout
from repro.training.masking import MaskedLanguageModel
from repro.training.models import SentenceLearner


class ContrastiveLearner(SentenceLearner):
    """SimCSE's learner: unsupervised each text stands twice, supervised there are pairs or triplets."""

    def __init__(self, base: TransformerRecipe, recipe: ContrastiveRecipe, examples: Examples, device: str) -> None:
        super().__init__(base, recipe, examples, device)
        self.recipe = recipe
        twice = set(examples.columns) == {examples.columns[0]}
        if recipe.shares_masks and not twice:
            raise ReproError(f"dropout=fixed trains on texts that stand twice; {recipe.data} has pairs of others")
        self.texts = examples.columns
        if recipe.dropout_rate is not None:
            self._set_dropout(recipe.dropout_rate)
        elif recipe.needs_dropout and twice and not self._drops():
            raise ReproError(
                f"{self.resolved.recipe.weights} has no dropout, so that a text that stands twice is one vector; name "
                "dropout=0.1, or dropout=0 to train like that"
            )
        self.second = self._second_encoder() if recipe.encoders == 2 else None
        if recipe.mlm:
            self.module["mlm"] = self._language_model()
        self.augmentation = self._augmentation(examples)

    def loss(self, rows: np.ndarray) -> Tensor:
        """Mean objective () over the batch, and the weighted loss of the language model where there is one."""
        columns = [column.select(rows) for column in self.tokens]
        if self.augmentation is not None:
            rng = np.random.default_rng(int(torch.randint(2**62, ())))
            changed = self.augmentation([self.texts[1][row] for row in rows], rng)
            columns[1] = self.encoder.tokens(changed, self.recipe.train_length)
        loss = self._objective(self._encoded(columns), rows)
        return loss + self.recipe.mlm * self._guessing(columns) if self.recipe.mlm else loss

    def _encoded(self, columns: Sequence[Tokens]) -> list[Tensor]:
        """(B, d) for each text column."""
        if self.second is not None:
            return [*self._vectors(columns[:1]), *self._vectors(columns[1:], self.second)]
        if self.recipe.shares_masks:  # one text under one mask is one vector, as its authors advise (SimCSE#36)
            return self._vectors(columns[:1]) * 2
        return self._vectors(columns)

    def _guessing(self, columns: Sequence[Tokens]) -> Tensor:
        """Mean loss () of guessing hidden tokens of all texts of the batch (SimCSE models.py, cl_forward)."""
        texts = join(columns)
        texts = texts.select(np.argsort(texts.lengths, kind="stable"))
        masked = self.module["mlm"].hide(torch.from_numpy(texts.ids).to(self.encoder.device).long())
        read = replace(texts, ids=masked.ids.numpy().astype(np.int32))
        with loading_errors(self.resolved.folder, FAILS):
            hidden = [self.encoder.token_vectors(*group) for group in self._groups(read, self.encoder)]
        words = self.encoder.model.get_input_embeddings().weight
        return self.module["mlm"].guess(torch.cat(hidden), masked, words)  # type: ignore[no-any-return]

    def _set_dropout(self, p: float) -> None:
        """Give the encoder that dropout; ReproError where it has another that cannot be set, or none at all."""
        model, name = self.encoder.model, self.resolved.recipe.weights

        def moves(p: float) -> bool:
            set_dropout(model, p)
            return self._drops()

        if moves(0.0) or not moves(0.5):
            raise ReproError(f"{name} keeps its dropout where dropout= does not reach it; leave dropout= out")
        set_dropout(model, p)

    def _drops(self) -> bool:
        """Whether the encoder in training gives one text two vectors."""
        few = self.tokens[0].select(np.arange(min(2, len(self))))
        with torch.no_grad(), torch.random.fork_rng():  # what is drawn here is not missing elsewhere
            self.encoder.model.train()
            with loading_errors(self.resolved.folder, FAILS):
                dropped, again = (self.encoder.vectors(few)[0] for _ in range(2))
        self.encoder.model.eval()
        return not torch.equal(dropped, again)

    def _second_encoder(self) -> TransformerEncoder:
        """One of the same weights that is trained on its own."""
        second = copy.copy(self.encoder)
        second.model = copy.deepcopy(self.encoder.model)
        self.module["second"] = second.model
        return second

    def _language_model(self) -> MaskedLanguageModel:
        """With the head of the base's checkpoint, as SimCSE takes BERT's; drawn where it has none.

        SimCSE's head is not tied to the input embeddings: its decoder begins as they are and goes its own way
        (models.py: BertForCL has no get_output_embeddings; train.py loads the checkpoint's head into it once).
        """
        with torch.random.fork_rng():  # what loading draws leaves the head's first weights as they were
            model, trained = load_masked_lm(self.resolved)
        tokenizer, config = self.encoder.tokenizer, self.encoder.model.config
        if tokenizer.mask_token_id is None:
            raise ReproError(f"the tokenizer of {self.resolved.recipe.weights} has no [MASK]; name another base")
        head = MaskedLanguageModel(
            config.hidden_size,
            config.vocab_size,
            tokenizer.mask_token_id,
            tokenizer.all_special_ids,
            config.layer_norm_eps,
            decoder=self.encoder.model.get_input_embeddings().weight,
        )
        if trained:
            head.load_from(model.state_dict())
        return head.to(self.encoder.device)

    def _augmentation(self, examples: Examples) -> augment.Augmentation | None:
        rate = self.recipe.rate
        changes: dict[str, augment.Change] = {
            "crop": partial(augment.crop, rate=rate),
            "delete": partial(augment.delete, rate=rate),
            "delete-one": augment.delete_one,
            "synonym": partial(augment.replace_one, synonyms=examples.synonyms),
        }
        if self.recipe.augment == "mlm":
            return augment.MaskedReplacement(rate, self._pretrained(), self.encoder.tokenizer, self.recipe.train_length)
        return augment.each(changes[self.recipe.augment]) if self.recipe.augment != "none" else None

    def _pretrained(self) -> Any:
        """The base as it was, with its head over the vocabulary."""
        model, trained = load_masked_lm(self.resolved)
        if not trained:
            name = self.resolved.recipe.weights
            raise NotAvailable(f"{name} has no head over the vocabulary, which augment=mlm needs; name another base")
        return model.to(self.encoder.device)
