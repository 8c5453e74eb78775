"""From recipe and seed to a folder, on the embedded data and a two-layer BERT."""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from repro.cli.main import main
from repro.encoders import zoo
from repro.encoders.recipe import TransformerRecipe
from repro.errors import NotAvailable, ReproError
from repro.evaluation.suite import Suite
from repro.paths import UNFINISHED
from repro.tasks import sts
from repro.training import cross_encoder, models, setups, train, trainer
from repro.training.data import Examples
from repro.training.recipe import TrainedRecipe, override
from tests.processes import MS_REMOUNT, NOT_PERMITTED, files_of_at_most, forked, mount, on_a_disk_of

MINI = Suite("mini")


def material() -> train.Material:
    return train.Material(MINI.examples, MINI.dev, MINI.synonyms)


def tiny(base: Path, name: str, **settings: object) -> TrainedRecipe:
    found = setups.on(setups.setup(name), TransformerRecipe(str(base)))
    return replace(found, **{"sample": 24, "epochs": 1, "select_every": 2, **settings})


def test_a_folder_has_model_log_plot_and_what_it_is(tiny_bert: Path) -> None:
    found = train.train(tiny(tiny_bert, "stsb"), 1, material(), "cpu")
    names = {path.name for path in found.folder.iterdir()}
    assert {"modules.json", "model.safetensors", "log.jsonl", "training.svg", "repro.json"} <= names
    about = json.loads((found.folder / "repro.json").read_text())
    assert (about["seed"], about["examples"], about["steps"]) == (1, 24, 2)
    assert about["recipe"]["objective"] == "cosine"
    assert about["versions"]["torch"]
    assert {path.name for path in found.folder.parent.iterdir() if path.is_dir()} == {found.folder.name}


def test_the_same_recipe_and_seed_is_not_trained_again_and_another_seed_is(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tiny(tiny_bert, "stsb")
    first = train.train(made, 0, material(), "cpu")
    other = train.train(made, 1, material(), "cpu")
    monkeypatch.setattr(trainer, "train", lambda *_: pytest.fail("trained again"))
    assert train.train(made, 0, material(), "cpu").folder == first.folder != other.folder


def damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8])


MODEL_ALTERED = {
    "weights truncated": lambda folder: damaged(folder / "model.safetensors"),
    "another dev score": lambda folder: edit(folder / "repro.json", dev=99.9),
    "another seed": lambda folder: edit(folder / "repro.json", seed=7),
    "a file gone": lambda folder: (folder / "1_Pooling/config.json").unlink(),
    "a file more": lambda folder: (folder / "added.json").write_text("{}"),
    "no description": lambda folder: (folder / "repro.json").write_text("[[["),
    "a pipe for a description": lambda folder: ((folder / "repro.json").unlink(), os.mkfifo(folder / "repro.json")),
    "a folder for weights": lambda folder: (
        (folder / "model.safetensors").unlink(),
        (folder / "model.safetensors").mkdir(),
    ),
}


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("how", MODEL_ALTERED)
def test_a_trained_model_that_was_altered_is_said_and_trained_again(
    how: str, tiny_bert: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = tiny(tiny_bert, "stsb")
    first = train.train(made, 0, material(), "cpu")
    weights = (first.folder / "model.safetensors").read_bytes()
    MODEL_ALTERED[how](first.folder)
    again = train.train(made, 0, material(), "cpu")
    assert (again.folder / "model.safetensors").read_bytes() == weights
    assert again.about["dev"] == first.about["dev"]
    assert [record.getMessage().count("it is trained again") for record in caplog.records] == [1]


def test_two_trainings_of_one_seed_give_the_same_bytes(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = []
    for name in ("one", "two"):
        monkeypatch.setenv("REPRO_HOME", str(tmp_path / name))
        folder = train.train(tiny(tiny_bert, "nli"), 0, material(), "cpu").folder
        contents.append({path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    timed = {"repro.json", "log.jsonl"}
    assert {n: d for n, d in contents[0].items() if n not in timed} == {
        n: d for n, d in contents[1].items() if n not in timed
    }


def test_nli_then_stsb_goes_on_from_one_nli_model_for_every_seed(tiny_bert: Path) -> None:
    made = tiny(tiny_bert, "nli-stsb")
    assert isinstance(made.base, TrainedRecipe)
    made = replace(made, base=replace(made.base, sample=24, select_every=None))
    found = [train.train(made, seed, material(), "cpu") for seed in (1, 2)]
    bases = {item.about["base_files"] for item in found}
    (nli,) = {train.train(made.base, 0, material(), "cpu").folder}  # type: ignore[arg-type]
    assert bases == {zoo.locate(TransformerRecipe(str(nli))).identity}
    assert sum(path.is_dir() for path in nli.parent.iterdir()) == 3


def test_a_sample_of_more_than_there_are_is_refused(tiny_bert: Path) -> None:
    """A row of 134,000 pairs would have been trained on the 400 that are there."""
    there = len(MINI.examples("stsb"))
    message = f"stsb has {there:,} examples, fewer than the {there + 1:,} of sample; name as many"
    with pytest.raises(NotAvailable, match=message):
        train.train(tiny(tiny_bert, "stsb", sample=there + 1), 0, material(), "cpu")
    bound = trainer.Options(at_most=True)  # --sample
    found = train.train(tiny(tiny_bert, "stsb", sample=there + 1), 0, material(), "cpu", bound)
    assert json.loads((found.folder / "repro.json").read_text())["examples"] == there


def test_a_cross_encoder_goes_from_nli_to_stsb(tiny_bert: Path) -> None:
    made = tiny(tiny_bert, "cross-nli-stsb")
    found = train.train(replace(made, base=replace(made.base, sample=24)), 0, material(), "cpu")
    model = cross_encoder.CrossEncoder(TransformerRecipe(str(found.folder)), 1, "cpu")
    assert np.isfinite(model.predict(["a cat"], ["a dog"])).all()


def test_a_full_disk_leaves_no_half_a_model_and_the_training_goes_on(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tiny(tiny_bert, "stsb")

    def full(self: object, folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(models.SentenceLearner, "save", full)
        with pytest.raises(ReproError, match="the disk is full; free some space"):
            train.train(made, 0, material(), "cpu")
    home = Path(os.environ["REPRO_HOME"]) / "models"
    assert [path.name.rpartition(".")[2] for path in home.iterdir() if path.is_dir()] == ["training"]
    steps = []
    real = trainer._gradients
    monkeypatch.setattr(trainer, "_gradients", lambda *a: steps.append(1) or real(*a))  # type: ignore[func-returns-value]
    trained = train.train(made, 0, material(), "cpu")
    assert steps == []  # the checkpoint of the last step was there
    log = trainer.read_log(trained.folder / trainer.LOG)
    assert trained.about["seconds"] == round(log[-1]["seconds"], 1)  # of both processes, as the log has it


def test_blank_texts_are_counted_and_said(tiny_bert: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What SimCSE's training makes of cells without a sentence."""
    columns = (("the cat", " ", "a dog"), ("a cat", "it is", " "), (" ", "not", "the house"))
    given = train.Material(lambda name: Examples(columns, None), MINI.dev, MINI.synonyms)
    made = tiny(tiny_bert, "sup-simcse", sample=None, select_every=None)
    assert train.train(made, 0, given, "cpu").about["blank_texts"] == 3
    assert train.train(tiny(tiny_bert, "stsb"), 0, material(), "cpu").about["blank_texts"] == 0
    assert [record.getMessage() for record in caplog.records] == [
        "3 texts of simcse-nli are blank: cells without a sentence, as SimCSE's training reads"
    ]


ARGUMENTS = "train stsb,epochs=2,select_every=2 --suite mini --sample 48 --device cpu --checkpoint-every 1 --base"


def train_twice(base: Path, home: Path, relieve: Callable[[], object]) -> None:
    """A training that cannot write all it has to, and goes on when it can; prints what the weights are then."""
    os.environ["REPRO_HOME"] = str(home)
    assert main([*ARGUMENTS.split(), str(base)]) == 2
    assert not [path for path in home.rglob("*") if UNFINISHED in path.name or path.name == "repro.json"]
    relieve()
    assert main([*ARGUMENTS.split(), str(base)]) == 0
    (weights,) = home.rglob("model.safetensors")
    print(hashlib.sha256(weights.read_bytes()).hexdigest())


@pytest.fixture
def weights_sha256(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of the training on which nothing is wrong."""
    with monkeypatch.context() as patch:
        patch.setenv("REPRO_HOME", str(tmp_path / "whole"))
        assert main([*ARGUMENTS.split(), str(tiny_bert)]) == 0
    (weights,) = (tmp_path / "whole").rglob("model.safetensors")
    return hashlib.sha256(weights.read_bytes()).hexdigest()


# there is room for no checkpoint (90 kB, later 120), for one, and for two: the third is built before the first goes
@pytest.mark.parametrize("kilobytes", [80, 150, 300])
def test_a_disk_that_is_full_of_checkpoints_is_one_sentence_and_the_training_goes_on(
    kilobytes: int, tiny_bert: Path, tmp_path: Path, weights_sha256: str
) -> None:
    home = tmp_path / "small"
    home.mkdir()
    relieve = partial(mount, home, 10_000, MS_REMOUNT)
    status, said = forked(on_a_disk_of(kilobytes, home, partial(train_twice, tiny_bert, home, relieve)))
    if status == NOT_PERMITTED:
        pytest.skip("no disk can be made here")
    assert status == 0, said
    first, *_, last = said.splitlines()
    assert re.fullmatch(r"repro: .*checkpoint\.safetensors: the disk is full; free some space and .*", first)
    assert last == weights_sha256


def test_a_limit_on_the_size_of_files_is_one_sentence_and_the_training_goes_on(
    tiny_bert: Path, tmp_path: Path, weights_sha256: str
) -> None:
    def limited() -> None:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        relieve = partial(resource.setrlimit, resource.RLIMIT_FSIZE, limits)
        with files_of_at_most(100_000):
            train_twice(tiny_bert, tmp_path / "home", relieve)

    status, said = forked(limited)
    assert status == 0, said
    first, *_, last = said.splitlines()
    assert re.fullmatch(r"repro: .*checkpoint\.safetensors: the file would be larger than the limit .*", first)
    assert last == weights_sha256


def test_the_command_trains_copies_and_prints(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "model"
    command = ["train", "stsb,epochs=1", "--base", str(tiny_bert), "--suite", "mini", "--sample", "20"]
    assert main([*command, "--device", "cpu", "-o", str(out)]) == 0
    assert f"{out}: 2 steps, STS-B dev, Spearman × 100: " in capsys.readouterr().out
    assert zoo.build(str(out), device="cpu").encode(["a cat"])[0].vectors.shape == (1, 16)
    assert main([*command, "-o", str(out)]) == 2
    assert "is there already; name a new folder" in capsys.readouterr().err


def test_the_command_and_the_plot_name_what_the_model_was_selected_on(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "wikisec", "--base", str(tiny_bert), "--suite", "mini", "--sample", "8", "--device", "cpu"]
    assert main([*command, "-o", str(tmp_path / "model")]) == 0
    said = capsys.readouterr().out
    assert "steps, Wikipedia sections dev, accuracy × 100: " in said
    assert "STS-B" not in said
    plot = (tmp_path / "model/training.svg").read_text()
    assert "Wikipedia sections dev, accuracy × 100" in plot
    assert "Spearman" not in plot


@pytest.mark.parametrize("recipe", ["stsb", "wikisec"])
def test_a_training_that_diverged_before_its_only_look_says_so_and_what_to_do(
    recipe: str, tiny_bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", f"{recipe},learning_rate=1e300,warmup=0,epochs=1", "--base", str(tiny_bert), "--suite", "mini"]
    assert main([*command, "--sample", "8", "--device", "cpu"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert (
        "the training diverged: none of 1 looks at the dev set gave a number; lower learning_rate (1e+300), or" in last
    )


@pytest.mark.parametrize(
    ("setting", "refused"), [({"batch_size": 1}, True), ({"sample": 1}, True), ({"sample": 2}, False)]
)
def test_a_contrastive_batch_of_one_pair_is_refused(setting: dict[str, int], refused: bool, tiny_bert: Path) -> None:
    texts = tuple(f"the cat {word}" for word in ("sits", "runs", "jumps", "is red"))
    material = train.Material(lambda name: Examples((texts, texts), None), MINI.dev, MINI.synonyms)
    recipe = replace(setups.setup("unsup-simcse-sample", str(tiny_bert)), **setting)
    if not refused:
        assert train.train(recipe, 0, material, "cpu").about["steps"] == 1
        return
    with pytest.raises(ReproError, match="batch of one example has no negatives and teaches nothing; train on more"):
        train.train(recipe, 0, material, "cpu")


@pytest.mark.long
def test_torchrun_trains_the_model_that_one_process_trains(tiny_bert: Path, tmp_path: Path) -> None:
    """Without dropout; the batch of 16 is then two of 8, and sums differ in their last bits."""
    from safetensors.numpy import load_file

    base = tmp_path / "base"
    base.mkdir()
    for path in tiny_bert.iterdir():
        (base / path.name).write_bytes(path.read_bytes())
    config = json.loads((base / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (base / "config.json").write_text(json.dumps(config))
    command = [
        "-m",
        "repro.cli",
        "train",
        "stsb,epochs=1",
        "--base",
        str(base),
        "--suite",
        "mini",
        "--sample",
        "40",
    ]
    weights = []
    for name, launch in (
        ("one", []),
        ("two", ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]),
    ):
        environment = {**os.environ, "REPRO_HOME": str(tmp_path / f"home-{name}")}
        run = [sys.executable, *launch, *command, "--device", "cpu", "-o", str(tmp_path / name)]
        done = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("3 steps") == 1
        weights.append(load_file(tmp_path / name / "model.safetensors"))
    for key, value in weights[0].items():
        np.testing.assert_allclose(value, weights[1][key], atol=1e-6)
    # what was altered since is trained again by all of them together
    (stored,) = (path for path in (tmp_path / "home-two/models").iterdir() if path.is_dir())
    (stored / "training.svg").write_text("x")
    run[-1] = str(tmp_path / "again")
    done = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    again = (tmp_path / "again/model.safetensors").read_bytes()
    assert again == (tmp_path / "two/model.safetensors").read_bytes()


def test_torchrun_waits_for_no_other_command(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other processes would wait for the first one longer than they may."""
    monkeypatch.setattr(train.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(train.distributed, "get_rank", lambda: 0)
    taken, refused = FileLock(tmp_path / "id.lock"), pytest.raises(ReproError, match="id is being trained by another")
    with taken, refused, train._alone(tmp_path / "id"):
        pass


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["train", "sst"], "'sst' is not a training; there are: nli, nli-sample, stsb"),
        (["train", "stsb,epochs=two"], "'two' is not a value for epochs"),
        (["train", "stsb,speed=2"], "'speed=2' is not a setting of this training"),
        (["train", "stsb,epochs=0"], "epochs 0 must be at least 1"),
        (["train", "stsb,epochs=inf"], "'inf' is not a value for epochs"),
        (["train", f"stsb,epochs={10**30}"], f"epochs {10**30} must be at least 1 and at most 1000000000"),
        (["train", "stsb,weight_decay=nan"], "weight_decay nan must be a number that is not negative"),
        (["train", "stsb,weight_decay=-1"], "weight_decay -1 must be"),
        (["train", "stsb,learning_rate=nan"], "learning_rate nan must be positive and finite"),
        (["train", "stsb,clip=inf"], "clip inf must be positive and finite"),
        (["train", "stsb,epsilon=0"], "epsilon 0.0 must be positive and finite"),
        (["train", "stsb,warmup=nan"], "warmup nan is a share of all steps, between 0 and 1"),
        (["train", "stsb,batch_size=-1"], "batch_size -1 must be at least 1"),
        (["train", "sup-simcse,temperature=nan"], "temperature nan must be positive and finite"),
        (["train", "sup-simcse,train_length=2"], "train_length 2 leaves no room for a word"),
        (["train", "stsb,select=train"], "select is one of stsb-dev"),
        (["train", "nli,concatenation=u+w"], "concatenation ('u', 'w') is unknown"),
        (["train", "stsb,concatenation=u+v"], "'concatenation=u+v' is not a setting of this training"),
        (["train", "sup-simcse,concatenation=u+v"], "'concatenation=u+v' is not a setting of this training"),
        (["train", "stsb,max_length=9,max_length=10"], "'max_length=10': max_length is named twice; name it once"),
        (["train", "stsb", "--base", "glove-avg"], "--base wants a transformer"),
        (
            ["train", "nli-sample", "--suite", "mini", "--base", "minilm-avg"],
            "'NLI-SAMPLE' is not a data set of the suite",
        ),
    ],
)
def test_bad_input_is_one_sentence(command: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


# what a scheduler may leave in the environment, and what is said of it
@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"WORLD_SIZE": "abc"}, "WORLD_SIZE is 'abc', which torchrun sets to a number of processes; unset it"),
        ({"WORLD_SIZE": "0"}, "WORLD_SIZE is '0', which"),
        ({"WORLD_SIZE": "2"}, "WORLD_SIZE is 2, but RANK is not set; start the training with torchrun, or unset"),
        ({"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}, "WORLD_SIZE is 2, but MASTER_ADDR is not set"),
    ],
)
def test_processes_that_torchrun_did_not_start_are_one_sentence(
    environment: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ReproError, match=message), train.data_parallel():
        pass


def test_an_empty_number_of_processes_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "")
    with train.data_parallel() as first:
        assert first


def test_settings_are_of_the_last_training_and_in_the_signature() -> None:
    found = override(setups.NLI_STSB, ["epochs=2", "learning_rate=1e-5"])
    signature = found.cut(500).signature()
    assert signature["train"] == "nli>stsb"
    assert signature["epochs"] == "1>2"
    assert signature["lr"] == "2e-05>1e-05"
    assert signature["sample"] == "500>500"
    assert signature["obj"] == "softmax(u,v,abs(u-v))>cosine"
    assert setups.NLI.signature()["select"] == "stsb-dev/1000,epoch"
    assert "sample" not in setups.NLI.signature()


def test_a_contrastive_batch_is_not_divided(tiny_bert: Path) -> None:
    made = replace(tiny(tiny_bert, "sup-simcse"), data="nli-triplets")
    with pytest.raises(ReproError, match="a contrastive batch is one whole"):
        train.train(made, 0, material(), "cpu", trainer.Options(accumulate=2))


@pytest.mark.parametrize("name", ["unsup-simcse,head=none", "unsup-simcse", "sup-simcse"])
def test_a_contrastive_model_is_read_back_as_it_was_selected(tiny_bert: Path, name: str) -> None:
    data = "nli-triplets" if name.startswith("sup") else "nli-sentences"
    made = replace(tiny(tiny_bert, name), data=data, learning_rate=1e-2, looks="epoch")
    found = train.train(made, 0, material(), "cpu")
    recipe = made.trained(str(found.folder))
    parts = list(MINI.load("stsb-dev"))
    vectors = zoo.build(recipe, device="cpu").encode(sentences := sts.STS_TASKS["stsb"].sentences(parts))[0].vectors
    again = sts.STS_TASKS["stsb"].score(parts, sentences, vectors, name).values["spearman-all"]
    assert again == pytest.approx(float(str(found.about["dev"])), abs=1e-3)
