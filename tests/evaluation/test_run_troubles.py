"""Runs of a table on what is not as it should be: bad rows, missing data, altered state, company, protected homes.

A two-layer BERT on the embedded data; each must give the numbers of a run on which nothing is wrong.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from repro.cli.main import main
from repro.data import registry
from repro.encoders import zoo
from repro.encoders.cache import EmbeddingCache
from repro.results import csv_lines
from tests.conftest import save_tiny_bert
from tests.processes import by_modes, files_of_at_most, forked

SETS = ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr")


def arguments(out: Path, *encoders: Path | str, more: str = "") -> list[str]:
    named = [part for encoder in encoders for part in ("--encoder", str(encoder))]
    rest = f"--suite mini --device cpu --offline --out {out} {more}"
    return ["table", "sbert-1", *named, "--row", str(encoders[0]), *rest.split()]


def cells(out: Path) -> dict[tuple[str, str], dict[str, str]]:
    return {(line["row"], line["column"]): line for line in csv_lines.from_csv(out / "mini/sbert-1.csv")}


def values(out: Path) -> dict[tuple[str, str], str]:
    return {place: line["value"] for place, line in cells(out).items() if line["value"]}


@pytest.fixture(scope="module")
def whole(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home and table of a run on which nothing is wrong."""
    place = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPRO_HOME", str(place / "home"))
        assert main(arguments(place, tiny_bert)) == 0
    return place


@pytest.fixture(scope="module")
def expected(whole: Path) -> dict[tuple[str, str], str]:
    return values(whole)


@pytest.fixture
def home(whole: Path, tmp_path: Path) -> Path:
    """A home in which everything is stored."""
    return Path(shutil.copytree(whole / "home", tmp_path / "home"))


# folders that are no model, beside one that is
BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no model": (lambda folder: shutil.rmtree(folder) or folder.mkdir(), "it is not a model folder"),
    "weights that are none": (
        lambda folder: (folder / "model.safetensors").write_bytes(b"junk"),
        "holds no safetensors",
    ),
    "weights of other names": (lambda folder: _prefixed(folder / "model.safetensors"), "the weights do not hold"),
    "no tokenizer": (lambda folder: [path.unlink() for path in folder.glob("*o[kc]*")], "tokenizer"),
}


def _prefixed(path: Path) -> None:
    with safe_open(path, framework="numpy") as file:
        tensors = {f"module.{name}": file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(tensors, path, {"format": "pt"})


@pytest.mark.parametrize("how", BAD)
def test_a_row_that_cannot_be_loaded_costs_itself_alone(
    how: str, tiny_bert: Path, tmp_path: Path, expected: dict[tuple[str, str], str]
) -> None:
    spoil, why = BAD[how]
    bad = save_tiny_bert(tmp_path / "bad")
    spoil(bad)
    assert main(arguments(tmp_path / "out", bad, tiny_bert)) == 0
    assert values(tmp_path / "out") == expected
    lines = [line for (row, _), line in cells(tmp_path / "out").items() if row == str(bad)]
    assert {line["verdict"] for line in lines} == {"not-run"}
    assert all(why in line["reason"] for line in lines)
    before = cells(tmp_path / "out")
    assert main(arguments(tmp_path / "out", bad)) == 2  # nothing that was asked for
    assert cells(tmp_path / "out") == before


def test_rows_of_one_forward_pass_fail_on_their_own(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = save_tiny_bert(tmp_path / "model", pooler=False)
    others = {"pooling=pooler": "has no trained pooler", "layers=7": "layer 7 does not exist"}
    names = [str(folder), *(f"{folder},{setting}" for setting in others)]
    assert main(arguments(tmp_path, *names, more="--task stsb")) == 0
    found = {row: line for (row, column), line in cells(tmp_path).items() if column == "stsb"}
    assert found[names[0]]["value"]
    for name, why in zip(names[1:], others.values(), strict=True):
        assert (found[name]["value"], found[name]["verdict"]) == ("", "not-run")
        assert why in found[name]["reason"]


@pytest.mark.real
def test_data_sets_missing_from_a_users_folder_cost_their_columns_alone(
    data: Path, tiny_bert: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    for name in ("STS16", "SICK"):
        shutil.copytree(data / registry.dataset(name).folder, own / registry.dataset(name).folder)
    (own / "downstream/STS/STSBenchmark").mkdir()
    table = ["table", "sbert-1", "--encoder", str(tiny_bert), "--row", str(tiny_bert), "--data", str(own)]
    assert main([*table, "--limit", "20", "--offline", "--device", "cpu", "--out", str(tmp_path)]) == 0
    lines = csv_lines.from_csv(tmp_path / "sbert-1.limit-20.csv")
    found = {line["column"]: line for line in lines if line["row"] == str(tiny_bert)}
    assert {column for column, line in found.items() if line["value"]} == {"sts16", "sickr", "sickr-all"}
    for column, reason in {
        "sts12": r"STS12-en-test",
        "stsb": r"sts-test.csv is not there",
        "avg": "not run: sts12, sts13, sts14, sts15, stsb",
    }.items():
        assert found[column]["verdict"] == "not-run"
        assert reason in found[column]["reason"]


def test_one_pair_of_each_file_has_no_correlation(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(tmp_path, tiny_bert, more="--limit 1 --task stsb")) == 2
    assert "stsb has no spearman-all: its items are too few, or all alike" in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.csv"))


def exchange(first: Path, second: Path) -> None:
    contents = first.read_bytes(), second.read_bytes()
    for path, content in zip((second, first), contents, strict=True):
        path.write_bytes(content)


def another_value(path: Path) -> None:
    stored = json.loads(path.read_text())
    stored["result"]["value"] = 99.9
    path.write_text(json.dumps(stored))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 16
    path.write_bytes(content)


# what is done to the stored cells (c) and matrices (m), and how many of them are noticed
ALTERED: dict[str, tuple[Callable[[list[Path], list[Path]], object], int]] = {
    "a value": (lambda c, m: another_value(c[3]), 1),
    "every value": (lambda c, m: [another_value(path) for path in c], 8),
    "two cells exchanged": (lambda c, m: exchange(c[0], c[1]), 2),
    "a cell is a folder": (lambda c, m: (c[2].unlink(), (c[2] / "inside").mkdir(parents=True)), 1),
    "a cell is a pipe": (lambda c, m: (c[2].unlink(), os.mkfifo(c[2])), 1),
    "no cell and a bit of a matrix": (lambda c, m: [path.unlink() for path in c] and flip(m[0]), 1),
    "no cell and two matrices exchanged": (lambda c, m: [path.unlink() for path in c] and exchange(m[1], m[2]), 2),
    "no cell and a matrix is a pipe": (
        lambda c, m: [path.unlink() for path in c] and (m[4].unlink(), os.mkfifo(m[4])),
        1,
    ),
}


@pytest.mark.parametrize("how", ALTERED)
def test_altered_state_is_said_and_made_anew(
    how: str,
    home: Path,
    tiny_bert: Path,
    tmp_path: Path,
    expected: dict[tuple[str, str], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    alter, count = ALTERED[how]
    alter(sorted((home / "results").rglob("*.json")), sorted((home / "embeddings").glob("*.safetensors")))
    for said in (count, 0):
        assert main(arguments(tmp_path, tiny_bert)) == 0
        assert values(tmp_path) == expected
        lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("repro: the stored ")]
        assert [line.count("computed again") for line in lines] == [1] * said


@pytest.mark.real
def test_edited_data_of_the_suites_own_is_fetched_again(
    mirror: Path, tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = ["table", "sbert-1", "--encoder", str(tiny_bert), "--row", str(tiny_bert), "--task", "sickr"]
    table += ["--mirror", str(mirror), "--limit", "50", "--offline", "--device", "cpu", "--out", str(tmp_path)]
    numbers = []
    for edited in (False, True):
        path = tmp_path / "home/data/downstream/SICK/SICK_test_annotated.txt"
        if edited:
            head, first, second, *rest = path.read_text().split("\n")
            path.write_text("\n".join([head, second, first, *rest]))
        capsys.readouterr()
        assert main(table) == 0
        said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("repro: ")]
        assert said == [f"repro: {path.parent}: {path.name} is altered; fetched again"] * edited
        numbers.append([line["value"] for line in csv_lines.from_csv(tmp_path / "sbert-1.limit-50.csv")])
    assert numbers[0] == numbers[1]


def _run(out: Path, home: Path, model: Path | str, tally: Path, more: str = "") -> None:
    encode = zoo.Group.encode

    def counted(self: zoo.Group, sentences: list[str]) -> list[zoo.Encoded]:
        with tally.open("a") as file:
            file.write("encoded\n")
        return encode(self, sentences)

    zoo.Group.encode = counted  # type: ignore[method-assign,assignment]
    os.environ["REPRO_HOME"] = str(home)
    os._exit(main(arguments(out, model, more=more)))


def test_runs_at_once_on_one_home_encode_each_data_set_once(
    tiny_bert: Path, tmp_path: Path, expected: dict[tuple[str, str], str]
) -> None:
    outs = [tmp_path / name for name in "abc"]
    given = (tmp_path / "home", tiny_bert, tmp_path / "tally")
    workers = [get_context("fork").Process(target=_run, args=(out, *given)) for out in outs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * 3
    assert (tmp_path / "tally").read_text().count("\n") == len(SETS)
    assert [values(out) for out in outs] == [expected] * 3


def test_runs_at_once_of_other_rows_write_one_table(tiny_bert: Path, tmp_path: Path) -> None:
    names = [f"{tiny_bert},pooling={pooling}" for pooling in ("cls", "max", "last", "mean-sqrt-len")]
    out, tally = tmp_path / "out", tmp_path / "tally"
    workers = [
        get_context("fork").Process(target=_run, args=(out, tmp_path / "home", name, tally, "--task stsb"))
        for name in names
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * len(names)
    assert set(values(out)) == {(name, "stsb") for name in names}


@pytest.mark.parametrize("kind", ["", ",post=whitening"])
def test_embeddings_may_be_cleared_at_any_time(
    kind: str, tiny_bert: Path, tmp_path: Path, expected: dict[tuple[str, str], str]
) -> None:
    over = threading.Event()
    cleared: list[int] = []

    def clear() -> None:
        while not over.is_set():
            cleared.append(EmbeddingCache().clear())

    beside = threading.Thread(target=clear)
    beside.start()
    try:
        assert main(arguments(tmp_path, f"{tiny_bert}{kind}")) == 0
    finally:
        over.set()
        beside.join()
    assert sum(cleared) >= len(SETS) - 1
    assert len(values(tmp_path)) == len(expected)
    assert kind or values(tmp_path) == expected


def write_protect(folder: Path, on: bool) -> None:
    for top, _, names in os.walk(folder):
        for name in names:
            os.chmod(Path(top, name), 0o444 if on else 0o644)
        os.chmod(top, 0o555 if on else 0o755)


@pytest.fixture
def protected(home: Path) -> Iterator[Path]:
    """A home with a stored table in which nobody may write."""
    write_protect(home, True)
    yield home
    write_protect(home, False)


# what is asked for beside the stored table, and what is said of it
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", 0),
        ("--task stsb", 0),
        ("--force", 1),
        ("--force --task stsb", 1),
    ],
)
def test_a_home_that_may_only_be_read_gives_the_table(
    more: str, said: int, protected: Path, tiny_bert: Path, tmp_path: Path, expected: dict[tuple[str, str], str]
) -> None:
    status, text = forked(by_modes(lambda: main(arguments(tmp_path, tiny_bert, more=more))))
    lines = [line for line in text.splitlines() if line.startswith("repro: ")]
    assert (status, len(lines)) == (0, said), text
    assert all("not stored" in line and "cannot write there" in line for line in lines)
    assert values(tmp_path) == expected


def test_what_has_to_write_into_such_a_home_is_refused(protected: Path, tiny_bert: Path, tmp_path: Path) -> None:
    train = "train stsb,epochs=1 --suite mini --sample 8 --device cpu --base"
    for command in (["cache", "--clear"], [*train.split(), str(tiny_bert)]):
        status, text = forked(by_modes(lambda command=command: main(command)))
        assert (status, text.count("\n")) == (2, 1), text
        assert "cannot write there (Permission denied); choose a writable folder" in text
    assert len(list((protected / "embeddings").glob("*.safetensors"))) == len(SETS)


@pytest.mark.parametrize("name", ["results", "embeddings", "checksums", "locks", "encoders", "models", "data"])
def test_a_file_in_the_place_of_a_folder_of_the_home_costs_no_number(
    name: str,
    tiny_bert: Path,
    tmp_path: Path,
    expected: dict[tuple[str, str], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / name).write_text("a file")
    assert main(arguments(tmp_path, tiny_bert)) == 0
    assert values(tmp_path) == expected
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("repro: ")]
    assert len(said) == (name in ("results", "embeddings"))
    assert (tmp_path / "home" / name).read_text() == "a file"


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("there", [False, True])
def test_a_table_of_which_one_file_cannot_be_written_stays_as_it_was(
    there: bool, whole: Path, tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sizes = {path.name: path.stat().st_size for path in (whole / "mini").iterdir()}
    largest = max(sizes, key=lambda name: sizes[name])
    if there:
        shutil.copytree(whole / "mini", tmp_path / "mini")
        for path in (tmp_path / "mini").glob("*.[mt]*"):
            path.write_text("old")
    before = {path.name: path.read_bytes() for path in (tmp_path / "mini").glob("*")}
    with files_of_at_most(sizes[largest] - 1):
        assert main(arguments(tmp_path, tiny_bert)) == 2
    assert f"{largest}: the file would be larger than the limit for files" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "mini").glob("*")} == before
    assert main(arguments(tmp_path, tiny_bert)) == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "mini").iterdir()} == {
        path.name: path.read_bytes() for path in (whole / "mini").iterdir()
    }
