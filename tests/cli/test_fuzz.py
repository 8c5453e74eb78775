"""The command line under arguments that a generator draws: every command and option, sense and nonsense.

Whatever is typed, no exception leaves `main`, the status is 0, 1 or 2, a refusal is one sentence, and nothing is
written but where the command was told to. Draw n is the same on every machine: `draw(n)` shows it.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import random
import shutil
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from repro import tables
from repro.cli.main import main
from repro.cli.parser import build_parser
from repro.data import registry
from repro.encoders.recipe import POOLINGS
from repro.encoders.zoo import ZOO
from repro.tasks import TASKS
from repro.training.setups import SETUPS
from tests.conftest import save_tiny_bert

NONSENSE = [
    *"- -- -1 0 1e3 1.5 nan inf -inf 0x10 True ٣ 🙂 é %s {} $HOME * C:\\x a|b ` = , ,,, a=b a,b=c .. a/b a/b/c".split(),
    *["", " ", "\0", "a\0b", "\udcff", "\ud800", "a\nb", "\x1b[31m", "nothing", "~nobody/x"],
    *["1" * 20, "9" * 5000, "x" * 300, "x" * 70000, "a/" * 3000],
]
READ = ["/", "/dev/null", "/dev/zero", "/proc/self/mem", "/etc", "~", "."]  # never where something is written
ENCODER_SETTINGS = """
    layers=-1 layers=0+1 layers=99 layers= layers=a max_length=3 max_length=-1 max_length=99999 normalize=true
    normalize=2 tokens=whitespace tokens=x lowercase=true revision=x weights=x = pooling= pooling=x post=x
    post=flow,levels=1 post=flow,epochs=inf post=flow,learning_rate=nan post=whitening post=whitening,k=2
    post=whitening,k=0 post=whitening,k=99 post=whitening,source=nli post=whitening,source=nowhere
""".split()
ENCODER_SETTINGS += [f"pooling={name}" for name in POOLINGS]
TRAINING_SETTINGS = """
    epochs=1 epochs=0 epochs=inf batch_size=2 batch_size=0 batch_size=99999999999999999999 learning_rate=1e-3
    learning_rate=nan learning_rate=-1 weight_decay=nan weight_decay=-1 warmup=2 warmup=0 clip=nan select_every=1
    select_every=0 sample=2 sample=-1 temperature=0 head=x head=none train_length=1 train_length=-5 concatenation=u+v
    concatenation=u*v concatenation= concatenation=x nothing=1 =
""".split()


@dataclass(frozen=True)
class Place:
    """What a draw may name: files to read, and a folder to write to."""

    inputs: Path
    outputs: Path
    model: str
    words: str

    def values(self, name: str, choose: random.Random) -> list[str]:
        """Values of an option that make sense."""
        encoders = [*[self.model] * 8, *[self.words] * 8, *choose.sample(list(ZOO), 3), "owner/model"]
        files = [*map(str, sorted(self.inputs.iterdir())), *[str(self.inputs / "good.txt")] * 20]
        outputs = [
            *map(str, sorted(self.outputs.iterdir())),
            *[str(self.outputs / "new/x"), "here"] * 8,
            str(self.outputs / "tables"),
        ]
        kinds = {
            "encoder base first second": encoders,
            "file pairs matrix closest query_file": files,
            "out output picture junit page against": outputs,
            "data mirror": [str(self.inputs), str(registry.HERE / "mini")],
            "id": list(tables.TABLES),
            "ids": ["sbert-1", "sbert-2", "sbert-5", "simcse-5"],
            "sentences queries": ["the cat", "a dog", "🙂"],
            "limit seeds sample k jobs accumulate checkpoint_every seed repeats": ["1", "2", "3"],
            "row": ["all-minilm-l6-v2", "minilm-avg", self.model],
            "task": list(TASKS),
            "names": [item.name for item in registry.datasets().values()],
            "recipe": list(SETUPS),
            "pooling": list(POOLINGS),
            "threshold": ["-1", "0", "0.5"],
            "device": [*["cpu"] * 6, "auto", "cuda", "cuda:0", "mps"],
            "executor": ["debug", "slurm"],
        }
        return next((values for names, values in kinds.items() if name in names.split()), [])


# so that a draw takes milliseconds: nothing of the whole suite is computed, and trainings are of four examples
ALWAYS = {
    "table": "--suite mini --offline --limit 3 --sample 2 --seeds 1 --encoder MODEL --row MODEL".split(),
    "train": ["--suite", "mini", "--offline", "--sample", "4", "--base", "MODEL"],
    "demo": ["--out", "FILE"],
    "bench": ["--offline", "--repeats", "0"],
    **{name: ["--offline"] for name in ("fetch", "doctor", "compare", "encode", "similarity", "search", "fit")},
}


def draw(number: int, place: Place) -> list[str]:
    """An argument list."""
    choose = random.Random(number)
    commands = _commands()
    command = choose.choice([*sorted(commands), *["table", "train", "encode", "fit", "similarity", "search"] * 3])
    sense = choose.choice([0.5, 0.9, 1.0, 1.0, 1.0])  # the share of values that make sense
    arguments: list[str] = []
    for action in commands[command]._actions:
        if action.dest == "help" or (action.option_strings and not action.required and choose.random() < 0.8):
            continue
        if action.option_strings:
            arguments.append(choose.choice(action.option_strings))
        count = 0 if action.nargs == 0 else 1
        if action.nargs in ("*", "?"):
            count = choose.randint(action.dest == "queries", 2 if action.nargs == "*" else 1)
        arguments += [_value(action, place, choose, sense) for _ in range(count)]
    if choose.random() < 0.05:
        arguments.insert(choose.randint(0, len(arguments)), choose.choice([*NONSENSE, "--nothing", "-x", "--help"]))
    always = [{"MODEL": place.model, "FILE": place.words}.get(part, part) for part in ALWAYS.get(command, [])]
    if command == "table" and choose.random() < 0.7:
        always.append("--dry-run")
    return [command, *arguments, *always]


def _commands() -> dict[str, argparse.ArgumentParser]:
    (choices,) = (action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(choices.choices)


def _value(action: argparse.Action, place: Place, choose: random.Random, sense: float) -> str:
    sensible = [*map(str, action.choices or []), *place.values(action.dest, choose)]
    if sensible and choose.random() < sense:
        value = choose.choice(sensible)
        if action.dest in ("encoder", "base", "recipe", "first") and choose.random() < 0.4:
            value += "," + choose.choice(TRAINING_SETTINGS if action.dest == "recipe" else ENCODER_SETTINGS)
        return value
    writes = action.dest in ("out", "output", "picture", "junit", "page")
    return choose.choice(NONSENSE if writes else [*NONSENSE, *READ])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    inputs, outputs, models = (tmp_path / name for name in ("inputs", "outputs", "models"))
    for folder in (inputs, outputs, models, tmp_path / "cwd", inputs / "folder", outputs / "folder"):
        folder.mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setenv("HOME", str(tmp_path / "cwd"))
    monkeypatch.setattr(time, "sleep", lambda seconds: None)  # before another try at a network that is not there
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"the cat\na dog\n")))
    texts = [path.read_text(encoding="utf-8") for path in (registry.HERE / "mini/downstream/STS").rglob("*.txt")]
    words = sorted({*"the a cat dog sits".split(), *" ".join(texts).lower().split()})
    vectors = np.random.default_rng(0).normal(size=(len(words), 4)).round(3)
    (models / "v.txt").write_text(
        "".join(f"{w} {' '.join(map(str, v))}\n" for w, v in zip(words, vectors, strict=True))
    )
    contents = {
        "good.txt": b"the cat sits\na dog\nthe dog\n\na cat\n",
        "pairs.tsv": b"the cat\ta dog\na cat\tthe cat\n",
        "empty": b"",
        "blank": b"\n",
        "latin": b"caf\xe9\n",
        "binary": bytes(range(256)),
        "nul": b"the\0cat\n",
        "bom": b"\xef\xbb\xbfthe cat\na dog\n",
        "crlf": b"the cat\r\na dog\r\n",
    }
    for name, content in contents.items():
        (inputs / name).write_bytes(content)
    (inputs / "missing").symlink_to("nowhere")
    (inputs / "circle").symlink_to("circle")
    os.mkfifo(inputs / "pipe")
    os.mkfifo(outputs / "pipe")
    (outputs / "old").write_text("old")
    for name in ("sbert-2", "sbert-5", "mini/sbert-2", "mini/sbert-5"):
        for suffix in (".csv", ".md", ".tex"):
            (outputs / f"tables/{name}{suffix}").parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(__file__).parents[2] / f"tables/{name}{suffix}", outputs / f"tables/{name}{suffix}")
    (outputs / "link").symlink_to("old")
    if os.geteuid() == 0:
        os.mknod(outputs / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    return Place(inputs, outputs, str(save_tiny_bert(models / "tiny")), str(models / "v.txt"))


def contents(*folders: Path) -> dict[str, str]:
    """What is below these folders: digests of files, and of the others what they are."""
    return {str(path): _digest(path) for folder in folders for path in sorted(folder.rglob("*"))}


def _digest(path: Path) -> str:
    mode = path.lstat().st_mode
    return hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(mode) else str(stat.S_IFMT(mode))


def faults(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> Iterator[str]:
    """What is wrong with how `main` takes these arguments."""
    try:
        status = main(arguments)
    except BaseException as error:
        yield f"{error!r} left main"
        return
    output, errors = capsys.readouterr()
    lines = errors.splitlines()
    if status not in (0, 1, 2):
        yield f"status {status}"
    if "unexpected" in errors or "Traceback" in errors:
        yield errors
    if status == 1 and not output:
        yield "a check failed without a word"
    if status == 2:
        last = lines[-1] if lines else ""
        usage = any(line.startswith("usage: repro") for line in lines)
        said = [line for line in lines if line.startswith("repro: ")]
        if not (last.startswith("repro") and ": error: " in last if usage else said == [last]) or len(last) > 3000:
            yield f"not one sentence: {errors!r}"


def check(numbers: range, place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(__file__).parents[2]
    ours = [root / name for name in ("repro", "tables", "tests", "docs")]
    before = contents(*ours, place.inputs, place.inputs.parent / "models")
    kinds = {path.name: path.lstat().st_mode for path in place.outputs.iterdir() if not path.is_dir()}
    wrong = []
    for number in numbers:
        arguments = draw(number, place)
        wrong += [f"draw {number}: {arguments!a}\n    {fault}" for fault in faults(arguments, capsys)]
    assert not wrong, "\n".join([f"{len(wrong)} faults", *wrong])
    after = contents(*ours, place.inputs, place.inputs.parent / "models")
    changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    assert [name for name in changed if "__pycache__" not in name] == []
    there = {path.name for path in place.inputs.parent.iterdir()}
    assert there == {"inputs", "outputs", "models", "cwd", "home"}
    assert {name: (place.outputs / name).lstat().st_mode for name in kinds} == kinds


@pytest.mark.long
def test_no_argument_list_breaks_the_command_line(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    check(range(200), place, capsys)


@pytest.mark.slow
def test_no_argument_list_of_many_breaks_the_command_line(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    check(range(200, 2200), place, capsys)
