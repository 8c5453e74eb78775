"""What SimCSE's ablations change of a training, on a two-layer BERT."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForMaskedLM

from repro.data.wordnet import synonyms
from repro.encoders.recipe import TransformerRecipe
from repro.encoders.tokens import join
from repro.errors import NotAvailable, ReproError
from repro.training import masking, trainer
from repro.training.contrastive import ContrastiveRecipe
from repro.training.contrastive_learner import ContrastiveLearner
from repro.training.data import Examples
from repro.training.dropout import Dropout
from tests.conftest import save_tiny_bert
from tests.encoders.test_architectures import AGREE, save
from tests.training.test_trainer import assert_same, examples, killed_at, learner, recipe

ROWS = np.arange(8)
TWICE = Examples((examples("cosine").columns[0],) * 2, None)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny BERT with a head over the vocabulary."""
    folder = save_tiny_bert(tmp_path_factory.mktemp("masked") / "bert")
    torch.manual_seed(5)
    model = BertForMaskedLM.from_pretrained(folder)
    torch.nn.init.normal_(model.cls.predictions.bias)
    model.save_pretrained(folder)
    return folder


def made(base: Path, **settings: object) -> ContrastiveRecipe:
    found = recipe(base, "contrastive", **settings)
    assert isinstance(found, ContrastiveRecipe)
    return found


def built(base: Path, data: Examples = TWICE, **settings: object) -> ContrastiveLearner:
    found = learner(made(base, **settings), data)
    assert isinstance(found, ContrastiveLearner)
    found.module.train()
    return found


def vectors(found: ContrastiveLearner) -> list[torch.Tensor]:
    torch.manual_seed(0)
    return found._encoded([column.select(ROWS) for column in found.tokens])


def test_a_fixed_mask_gives_one_text_the_same_vector_twice(bert: Path) -> None:
    first, second = vectors(built(bert, dropout="fixed"))
    assert torch.equal(first, second)
    first, second = vectors(built(bert))
    assert (first - second).abs().max() > 0.01
    with pytest.raises(ReproError, match="dropout=fixed trains on texts that stand twice; stsb has pairs of others"):
        built(bert, examples("contrastive"), dropout="fixed")


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5])
def test_dropout_has_the_probability_that_was_asked_for(bert: Path, p: float) -> None:
    found = built(bert, dropout=p)
    modules = [module for module in found.encoder.model.modules() if isinstance(module, torch.nn.Dropout | Dropout)]
    assert {module.p for module in modules} == {p}
    assert len(modules) == 1 + 2 * 3  # of the embeddings, and in each layer of attention, its output and the layer's
    first, second = vectors(found)
    assert torch.equal(first, second) == (p == 0)


@pytest.mark.parametrize("family", ["opt", "modernbert"])
def test_dropout_that_is_a_number_of_the_model_is_set_too(family: str, tmp_path: Path) -> None:
    folder = save(tmp_path / "model", AGREE[family](), model_max_length=38)
    for p in (0.0, 0.2):
        found = built(folder, dropout=p)
        first, second = vectors(found)
        assert torch.equal(first, second) == (p == 0)
    torch.manual_seed(3)
    built(folder, augment="delete-one")
    after = torch.rand(2)
    torch.manual_seed(3)
    built(folder, dropout=0.2)
    assert torch.equal(torch.rand(2), after)  # the trial draws nothing that the training would have drawn


def test_a_base_without_dropout_is_not_trained_on_texts_that_stand_twice(tmp_path: Path) -> None:
    """transformers' ModernBERT has none by default: positives would be the text itself, another row of Table 3."""
    folder = save(tmp_path / "model", AGREE["modernbert"](), model_max_length=38)
    for dropout in (None, "fixed"):
        with pytest.raises(ReproError, match="has no dropout, so that a text that stands twice is one vector; name"):
            built(folder, dropout=dropout)
    for settings in ({"dropout": 0.0}, {"augment": "delete-one"}, {"encoders": 2}):
        built(folder, **settings)
    built(folder, examples("contrastive"))


def test_a_prompt_that_fills_the_length_of_a_training_is_refused(bert: Path) -> None:
    base = replace(made(bert).base, prompt="the cat sits on the mat ")
    with pytest.raises(ReproError, match=r"takes 8 of 8 tokens, .* leaves no room for a word"):
        learner(replace(made(bert), base=base, train_length=8), TWICE)
    learner(replace(made(bert), base=base, train_length=9), TWICE)


def test_dropout_that_cannot_be_set_is_refused(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repro.training.contrastive_learner.set_dropout", lambda model, p: None)
    with pytest.raises(ReproError, match="keeps its dropout where dropout= does not reach it; leave dropout= out"):
        built(bert, dropout=0.2)


def test_in_bfloat16_the_objective_is_computed_in_float32(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = built(bert, head="mlp")
    drawn = torch.randn(2, 8, 16, generator=torch.Generator().manual_seed(0)) + 2
    monkeypatch.setattr(found, "_encoded", lambda columns: list(drawn))
    expected = found.loss(ROWS)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(found.loss(ROWS), expected)


def test_a_normalisation_before_the_head_that_is_kept_is_refused(bert: Path) -> None:
    base = TransformerRecipe(str(bert), pooling="cls", normalize=True)
    with pytest.raises(ReproError, match=r"normalize would stand between the pooling and the head .*; leave it out"):
        learner(made(bert, head="mlp").starting_from(base), TWICE)


@pytest.mark.parametrize("settings", [{"mlm": 0.1}, {"augment": "mlm", "rate": 0.3}], ids=str)
def test_a_language_model_of_another_family_is_refused(settings: dict[str, object], tmp_path: Path) -> None:
    folder = save(tmp_path / "model", AGREE["opt"](), model_max_length=38)
    with pytest.raises(ReproError, match="is no BERT; only BERT's masked language model is supported"):
        built(folder, **settings)


def test_two_encoders_begin_alike_and_each_reads_its_own_text(bert: Path) -> None:
    found = built(bert, encoders=2)
    assert found.second is not None
    found.module.eval()
    before = vectors(found)
    torch.testing.assert_close(*before)
    with torch.no_grad():
        for parameter in found.second.model.parameters():
            parameter.mul_(1.5)
    first, second = vectors(found)
    torch.testing.assert_close(first, before[0])
    assert (second - before[1]).abs().max() > 0.01


def test_of_two_encoders_the_first_is_kept(bert: Path, tmp_path: Path) -> None:
    weights = run_of(bert, tmp_path, encoders=2)
    moved = [name for name in weights if name.startswith("encoder.") and name.endswith("weight")]
    assert any(not torch.equal(weights[name], weights[name.replace("encoder.", "second.", 1)]) for name in moved)
    found = built(bert, encoders=2)
    found.module.load_state_dict(weights)
    found.save(tmp_path / "saved")
    from safetensors.torch import load_file

    saved = load_file(tmp_path / "saved" / "model.safetensors")
    assert_same(saved, {name: weights[f"encoder.{name}"] for name in saved})


def run_of(
    base: Path, folder: Path, options: trainer.Options | None = None, **settings: object
) -> dict[str, torch.Tensor]:
    """Weights after a training on sentences that stand twice."""
    found = learner(made(base, **settings), replace(TWICE, synonyms=synonyms(["cat dog", "red blue", "big small"])))
    trainer.train(found, len(TWICE), made(base, **settings), seed=3, folder=folder, identity="x", options=options)
    return {name: value.clone() for name, value in found.module.state_dict().items()}


@pytest.mark.parametrize(
    "settings",
    [
        {"augment": "synonym"},
        {"augment": "mlm", "rate": 0.3},
        {"dropout": "fixed"},
        {"encoders": 2},
        {"mlm": 0.1},
    ],
    ids=str,
)
def test_a_training_that_was_killed_and_resumed_ends_with_the_same_weights(
    bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object]
) -> None:
    options = trainer.Options(checkpoint_every=2)
    whole = run_of(bert, tmp_path / "whole", options, **settings)
    with killed_at(9, monkeypatch):
        run_of(bert, tmp_path / "cut", options, **settings)
    assert_same(run_of(bert, tmp_path / "cut", options, **settings), whole)


def test_an_augmentation_changes_the_second_text_alone_and_anew_in_each_step(
    bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = built(bert, augment="delete-one")
    seen: list[list[list[int]]] = []

    def encoded(columns: list) -> list[torch.Tensor]:
        seen.append([column.ids.tolist() for column in columns])
        return vectors_of(columns)

    vectors_of = found._encoded
    monkeypatch.setattr(found, "_encoded", encoded)
    for seed in (0, 1, 0):
        torch.manual_seed(seed)
        found.loss(ROWS)
    plain = found.tokens[0].select(ROWS).ids.tolist()
    assert [first for first, _ in seen] == [plain] * 3
    assert seen[0] == seen[2] != seen[1]
    lengths = found.tokens[0].select(ROWS).lengths
    assert len(seen[0][1]) == len(plain) - int((lengths > 3).sum())  # [CLS], a word, [SEP]


def test_the_auxiliary_loss_is_that_of_transformers_masked_language_model(bert: Path) -> None:
    plain, found = built(bert), built(bert, mlm=0.3)
    for one in (plain, found):
        one.module.eval()  # then nothing is drawn but the hidden tokens
    torch.manual_seed(1)
    added = found.loss(ROWS) - plain.loss(ROWS)
    theirs = BertForMaskedLM.from_pretrained(bert).eval()
    texts = join([column.select(ROWS) for column in found.tokens])
    texts = texts.select(np.argsort(texts.lengths, kind="stable"))  # in which order tokens are hidden
    flat = torch.from_numpy(texts.ids).long()
    torch.manual_seed(1)
    special = torch.isin(flat, torch.tensor(found.encoder.tokenizer.all_special_ids))
    masked = masking.mask(flat, special, found.encoder.tokenizer.mask_token_id, theirs.config.vocab_size)
    filled = torch.from_numpy(texts.pad(0)[1])  # of one batch, padded to the longest
    labels = torch.full(filled.shape, -100)
    labels[filled] = torch.full_like(flat, -100).index_copy(0, masked.places, masked.words)
    ids = torch.zeros(filled.shape, dtype=torch.long).masked_scatter(filled, masked.ids)
    expected = theirs(input_ids=ids, attention_mask=filled.long(), labels=labels).loss
    assert len(masked.words) > 3
    assert added.item() == pytest.approx(0.3 * expected.item(), abs=1e-5)


def test_the_auxiliary_head_is_the_checkpoints_or_where_it_has_none_drawn(bert: Path, tiny_bert: Path) -> None:
    saved = BertForMaskedLM.from_pretrained(bert).state_dict()
    assert_same(built(bert, mlm=0.1).module["mlm"].in_bert(), {n: saved[n] for n in masking.IN_BERT.values()})
    drawn = built(tiny_bert, mlm=0.1).module["mlm"].in_bert()
    assert drawn["cls.predictions.bias"].abs().max() == 0
    assert_same(drawn, built(tiny_bert, mlm=0.1).module["mlm"].in_bert())  # by the seed


def test_the_auxiliary_head_goes_its_own_way_from_the_embeddings(bert: Path) -> None:
    found = built(bert, mlm=0.1)
    head, embeddings = found.module["mlm"], found.encoder.model.get_input_embeddings().weight
    assert torch.equal(head.decoder, embeddings)
    torch.manual_seed(0)
    found.loss(ROWS).backward()
    assert head.decoder.grad.ne(0).any(dim=1).all()  # every word's row is pulled or pushed
    assert not embeddings.grad.ne(0).any(dim=1).all()  # those of the words that were read


def test_words_are_replaced_by_a_trained_head_alone(tiny_bert: Path, bert: Path) -> None:
    built(bert, augment="mlm", rate=0.2)
    with pytest.raises(NotAvailable, match="has no head over the vocabulary, which augment=mlm needs"):
        built(tiny_bert, augment="mlm", rate=0.2)


def test_only_berts_head_is_known(tmp_path: Path, bert: Path) -> None:
    import json
    import shutil

    shutil.copytree(bert, tmp_path / "other")
    config = json.loads((tmp_path / "other" / "config.json").read_text())
    (tmp_path / "other" / "config.json").write_text(json.dumps(config | {"model_type": "roberta"}))
    found = built(bert)
    found.resolved = replace(found.resolved, folder=tmp_path / "other")
    with pytest.raises(ReproError, match="is no BERT; only BERT's masked language model is supported"):
        found._language_model()
    assert BertConfig.from_pretrained(bert).model_type == "bert"
