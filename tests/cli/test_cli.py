"""The command line: what it prints, and that bad input is one sentence and exit status 2."""

import csv
import errno
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from repro.cli import general
from repro.cli.main import main
from repro.errors import ReproError
from repro.results.csv_lines import from_csv


@pytest.mark.parametrize("what", ["tables", "encoders", "tasks", "data"])
def test_list(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", what]) == 0
    first = {"tables": "sbert-1", "encoders": "glove-avg", "tasks": "sts12", "data": "STS12"}[what]
    assert capsys.readouterr().out.startswith(first)


BAD = [
    (["table", "sbert-9"], "'sbert-9' is not a table; there are: sbert-1"),
    (["table", "sbert-1", "--row", "nobody"], "sbert-1 has no row 'nobody'"),
    (["table", "sbert-1", "--task", "sts99"], "sbert-1 has no task 'sts99'"),
    (["table", "sbert-1", "--encoder", "nobody"], "'nobody' is not in the zoo"),
    (["table", "sbert-1", "--data", "/nowhere"], "/nowhere is not a folder"),
    (["fetch", "STS99"], "'STS99' is not a data set"),
    (["encode", "all-minilm-l6-v2", "nowhere.txt", "-o", "x.npy"], "nowhere.txt is not a file"),
    (["verify", "sbert-1", "--out", "/nowhere"], "sbert-1.csv is missing"),
    (["report", "sbert-1", "--out", "/nowhere"], "sbert-1.csv is missing; write it with `repro table sbert-1`"),
    (["report", "sbert-9"], "'sbert-9' is not a table; there are: sbert-1"),
    (["report", "--out", "/nowhere"], "/nowhere holds no written table"),
    (["fetch", "SICK", "--offline"], "is not fetched yet; run without --offline or give --mirror DIR"),
    (["claims", "nobody"], "'nobody' is not a table with claims; there are: sbert-1"),
    (["similarity", "e", "a", "b", "c"], "two sentences, not 3"),
    (["similarity", "e", "a", "b", "--pairs", "x"], "two sentences, or one file"),
    (["similarity", "e"], "two sentences, or one file"),
    (["similarity", "e", "a", "b", "-k", "3"], "-k is how many of the closest pairs are shown; it goes with --closest"),
    (["similarity", "e", "--matrix", "x", "-k", "3"], "it goes with --closest"),
    (["similarity", "e", "--pairs", "x", "-k", "3"], "it goes with --closest"),
    (["table", "sbert-1", "--suite", "mini", "--jobs", "2"], "--jobs goes with --executor"),
    (["report", "--site", "x"], "--site is where the pages go; it goes with --html"),
    (["similarity", "e", "--pairs", "x", "--matrix", "y"], "two sentences, or one file"),
    (["encode", "e", __file__, "-o", "-"], "- stands for standard input alone; name the file to write"),
    (["encode", "e", ".", "-o", "o.npy"], "is a folder and not a file; name a file"),
    (["similarity", "all-minilm-l6-v2,layers=\u0661", "a", "b"], "'\u0661' is not a value for layers"),
    (["similarity", "all-minilm-l6-v2,max_length=1_2", "a", "b"], "'1_2' is not a value for max_length"),
    (
        ["fit", "e", "x", "-o", "a,b=1.safetensors"],
        "a,b=1.safetensors could not be named as source=; choose a path without",
    ),
    (
        ["fit", "module:object", "x", "-o", "y"],
        "module:object is an object of your own, which takes no settings, no map",
    ),
    (
        ["search", "module:object,post=whitening", __file__, "y"],
        "module:object is an object of your own, which takes no",
    ),
    (["table", "sbert-1", "--encoder", "module:object,post=whitening"], "is an object of your own, which takes no"),
    (
        ["train", "stsb", "--base", "module:object"],
        "module:object is an object of your own, which takes no settings, no",
    ),
    (["encode", "e", "x", "-o", "."], ". is a folder; name a file"),
    (["encode", "e", "x", "-o", "/dev/stdin/x"], "/dev/stdin/x: "),
    (["fit", "e", "x", "-o", "."], ". is a folder; name a file"),
    (["table", "sbert-1", "--suite", "mini", "--out", __file__], f"{__file__} is a file; name a folder"),
    (["table", "sbert-1", "--suite", "mini", "--picture", "."], ". is a folder; name a file"),
    (["demo", "--out", __file__], f"{__file__} is a file; name a folder"),
    (["train", "stsb", "-o", "."], ". is there already; name a new folder"),
    (["train", "stsb", "--pooling", "pooler"], "pooling 'pooler' cannot be trained and saved; choose from cls, mean"),
    (["train", "stsb", "--pooling", "static"], "pooling 'static' cannot be trained and saved"),
    (["train", "stsb", "--pooling", "Mean"], "pooling 'Mean' cannot be trained and saved"),
    (["train", "cross-stsb", "--pooling", "mean"], "cross-stsb reads two sentences at once and pools nothing"),
    (["train", "stsb,weight_decay=nan"], "weight_decay nan must be a number that is not negative"),
    (["train", "stsb,learning_rate=inf"], "learning_rate inf must be positive and finite"),
    (["train", "stsb,epochs=inf"], "'epochs=inf': 'inf' is not a value for epochs"),
    (["train", "stsb,warmup=nan"], "warmup nan is a share of all steps"),
    (["train", "unsup-simcse,temperature=inf"], "temperature inf must be positive and finite"),
    (["train", "unsup-simcse,train_length=-5"], "train_length -5 leaves no room"),
    (
        ["search", "minilm-avg,post=flow,epochs=inf", __file__, "x"],
        "a flow's epochs must be positive and at most 10000, not inf",
    ),
    (["encode", "~nobody-of-that-name/x", __file__, "-o", "x"], "nobody knows the home folder"),
    (["encode", "x" * 300, __file__, "-o", "x"], "is not in the zoo and is no folder, file or hub id"),
    (["list", "a\0b"], "the argument 'a\\x00b' holds a NUL character"),
    (["fetch", "\udcff"], "the argument '\\udcff' is not UTF-8"),
    (["verify", "--out", "x" * 300], "is a name too long for this system"),
    (["verify", "--out", "~nobody-of-that-name"], "nobody knows the home folder that ~ stands for"),
    (["verify", "--out", ""], "a path is empty"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_is_one_sentence(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1


USAGE = [
    (["train", "stsb", "--seed", "1_0"], "--seed: '1_0' is not a whole number"),
    (["train", "stsb", "--seed", "-1"], "--seed: '-1' is not a whole number from 0 to 4294967295"),
    (["train", "stsb", "--seed", "4294967296"], "--seed: '4294967296' is not a whole number"),
    (["train", "stsb", "--accumulate", "99999999999999999999"], "is not a whole number from 1 to 1000"),
    (["train", "stsb", "--checkpoint-every", "0"], "is not a whole number from 1 to 1000000000"),
    (["table", "sbert-1", "--limit", "1e3"], "--limit: '1e3' is not a whole number from 1"),
    (["table", "sbert-1", "--jobs", "9" * 5000], "is not a whole number from 1 to 1000"),
    (["search", "e", "f", "-k", "0"], "-k: '0' is not a whole number"),
    (["search", "e", "f", "--threshold", "nan"], "'nan' is not a cosine, a number from -1 to 1"),
    (["search", "e", "f", "--threshold", "1.1"], "'1.1' is not a cosine"),
    (["encode", "e", "f", "-o", "x", "--device", "cuda:x"], "'cuda:x' is not auto, cpu, mps, cuda or a numbered one"),
    (["encode", "e", "f", "-o", "x", "--device", "CPU"], "'CPU' is not auto, cpu, mps"),
    (["fetch", "--data", "."], "unrecognized arguments: --data"),
    (["nothing"], "invalid choice: 'nothing'"),
    ([], "the following arguments are required: COMMAND"),
]


@pytest.mark.parametrize(("arguments", "message"), USAGE)
def test_bad_usage_is_a_status_and_a_hint(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    *usage, last = capsys.readouterr().err.splitlines()
    assert usage[0].startswith("usage: repro")
    assert message in last


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["train", "--help"]])
def test_help_is_no_failure(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert capsys.readouterr().out


ERRORS = [
    (OSError(errno.ENOSPC, "x"), "the disk is full"),
    (IsADirectoryError(errno.EISDIR, "Is a directory", "some/where"), "some/where: there is a folder of that name"),
    (FileNotFoundError(errno.ENOENT, "No such file or directory", "some/where"), "some/where: No such file"),
    (PermissionError(errno.EACCES, "Permission denied", "some/where"), "some/where: Permission denied"),
    (RuntimeError("I/O error: No space left on device (os error 28)"), "the disk is full"),
    (RuntimeError("Could not determine home directory."), "nobody knows the home folder"),
    (MemoryError(), "the memory does not suffice"),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …"), "the memory does not suffice"),
    (torch.OutOfMemoryError("CUDA out of memory."), "the memory does not suffice"),
    (RecursionError(), "the input is nested too deeply"),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "a text is not in the encoding"),
    (ReproError("two\nlines \x1b[31m"), "two lines \\x1b[31m"),
    (KeyError("x"), "unexpected KeyError: 'x'; set REPRO_TRACEBACK=1"),
]


@pytest.mark.parametrize(("error", "message"), ERRORS)
def test_whatever_happens_is_one_sentence(
    error: Exception, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(arguments: object) -> int:
        raise error

    monkeypatch.setattr(general, "listing", fail)
    assert main(["list"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"repro: {message}")
    assert said.count("\n") == 1
    monkeypatch.setenv("REPRO_TRACEBACK", "1")
    assert main(["list"]) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("variable", ["REPRO_DATA", "REPRO_MIRROR", "REPRO_HOME"])
def test_an_empty_variable_counts_as_unset(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "embeddings").mkdir()
    names = ["mine.txt", f"{'a' * 32}.safetensors"]  # the second as if it were the suite's
    for name in names:
        (tmp_path / "embeddings" / name).write_text("mine")
    monkeypatch.setenv(variable, "")
    assert main(["cache", "--clear"]) == 0
    assert main(["fetch", "SICK", "--offline"]) == 2
    assert "is not fetched yet" in capsys.readouterr().err
    assert [(tmp_path / "embeddings" / name).read_text() for name in names] == ["mine"] * 2


@pytest.mark.real
def test_fetch_never_writes_into_a_users_own_folder(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own/downstream").mkdir(parents=True)
    monkeypatch.setenv("REPRO_DATA", str(tmp_path / "own"))
    assert main(["fetch", "SICK", "--mirror", str(mirror)]) == 0
    assert list((tmp_path / "own").rglob("*")) == [tmp_path / "own/downstream"]
    assert (tmp_path / "home/data/downstream/SICK").is_dir()


def test_a_model_is_copied_to_a_new_folder_with_one_rename(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "stsb,epochs=1,select_every=1000", "--base", str(tiny_bert), "--suite", "mini", "--sample", "8"]
    command += ["--device", "cpu", "-o", str(tmp_path / "new/model")]

    def killed(source: Path, target: Path, dirs_exist_ok: bool) -> None:
        shutil.copyfile(source / "modules.json", target / "modules.json")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copytree", killed)
        assert main(command) == 130
    assert list((tmp_path / "new").iterdir()) == []
    assert main(command) == 0
    assert (tmp_path / "new/model/model.safetensors").is_file()
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'new/model'}: ")
    assert main(command) == 2


def test_without_network_mirror_or_data_table_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # the suite's sockets reach loopback only, which is what no network looks like
    assert main(["table", "sbert-1", "--out", str(tmp_path / "out")]) == 0
    assert "nothing could be measured here" in capsys.readouterr().out
    with (tmp_path / "out/sbert-1.csv").open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["row"] == "all-minilm-l6-v2" and line["column"] != "avg"]
    assert {line["verdict"] for line in lines} == {"not-run"}
    for line in lines:
        assert "cannot download https://" in line["reason"]
        assert "--mirror DIR or REPRO_MIRROR" in line["reason"]


@pytest.mark.real
def test_a_users_own_senteval_folder(
    data: Path, tmp_path: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRO_DATA", str(data))
    arguments = ["table", "sbert-1", "--encoder", str(tiny_bert), "--row", "use", "--task", "stsb", "--offline"]
    assert main([*arguments, "--out", str(tmp_path / "out"), "--limit", "5"]) == 0
    assert (tmp_path / "out/sbert-1.limit-5.md").is_file()


def test_a_folder_that_is_not_sentevals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "sbert-1", "--data", str(tmp_path)]) == 2
    assert "has no folder downstream/" in capsys.readouterr().err


@pytest.mark.real
def test_dry_run_computes_nothing(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["table", "sbert-1", "--data", str(data), "--dry-run", "--offline", "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "compute  all-minilm-l6-v2 × sts12" in out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["sbert-5", "--probe", "exact", "--task", "mr", "--task", "mr-adam"], {"mr"}),
        (
            ["sbert-5", "--probe", "senteval-adam", "--task", "mr-adam", "--task", "mr-adam-dev"],
            {"mr-adam", "mr-adam-dev"},
        ),
    ],
)
def test_a_probe_chooses_columns(
    arguments: list[str], expected: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    minilm = ["--suite", "mini", "--row", "minilm-avg", "--dry-run", "--offline", "--out", str(tmp_path)]
    assert main(["table", *arguments, *minilm]) == 0
    out = capsys.readouterr().out
    assert {row.split(" × ")[1] for row in out.split("\n") if row.startswith("compute")} <= expected
    assert all(f"minilm-avg × {slug}: not asked" not in out for slug in expected)


def test_a_table_without_that_probe_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "sbert-1", "--probe", "exact", "--dry-run"]) == 2
    assert "sbert-1 has no column of the probe exact" in capsys.readouterr().err


def test_encode_writes_float32_rows(tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.txt").write_text("the cat\na dog\nthe cat\n")
    assert main(["encode", str(tiny_bert), str(tmp_path / "in.txt"), "-o", str(tmp_path / "out.npy")]) == 0
    found = np.load(tmp_path / "out.npy")
    assert (found.shape, found.dtype) == ((3, 16), np.float32)
    assert "3 × 16" in capsys.readouterr().out


def test_encode_takes_whatever_stands_on_a_line(tiny_bert: Path, tmp_path: Path) -> None:
    lines = [
        "",
        "one",
        "a " * 2000,
        "🙂🙃",
        "שלום עולם",
        "bell\x07 and\x00 null",
        "tab\there",
        "form\x0cfeed \u0085 nel",
    ]
    (tmp_path / "in.txt").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    assert main(["encode", str(tiny_bert), str(tmp_path / "in.txt"), "-o", str(tmp_path / "out.npy")]) == 0
    found = np.load(tmp_path / "out.npy")
    assert found.shape == (8, 16)
    assert np.isfinite(found).all()


@pytest.mark.real
def test_compare_two_rows(data: Path, tmp_path: Path, tiny_bert: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = ["table", "sbert-1", "--data", str(data), "--offline", "--out", str(tmp_path / "out")]
    encoders = [str(tiny_bert), f"{tiny_bert},pooling=cls"]
    chosen = [part for name in encoders for part in ("--encoder", name)]
    assert main([*table, *chosen, "--row", "use", "--task", "stsb"]) == 0
    capsys.readouterr()
    assert main(["compare", "sbert-1", *encoders, "--data", str(data), "--offline"]) == 0
    line = next(line for line in capsys.readouterr().out.split("\n") if line.startswith("STSb"))
    difference = float(line.split()[1])
    lines = from_csv(tmp_path / "out/sbert-1.csv")
    values = {line["row"]: float(line["value"]) for line in lines if line["column"] == "stsb" and line["value"]}
    assert difference == pytest.approx(values[encoders[0]] - values[encoders[1]], abs=0.006)
    assert "p = " in line
    assert main(["compare", "sbert-1", "use", encoders[0], "--data", str(data), "--offline"]) == 2
    assert "no stored column in common" in capsys.readouterr().err


# a file that is no list of pairs, and what is said of it
@pytest.mark.parametrize(
    ("option", "content", "message"),
    [
        ("--pairs", "main-captions\tMSRvid\t2012test\t0001\t5.0\ta cat\ta dog\n", "line 1 has 7 columns, expected 2"),
        ("--pairs", "sentence1\tsentence2\tscore\n", "line 1 has 3 columns, expected 2 separated by tabs"),
        ("--pairs", "\n\n", "holds blank lines alone; give it two sentences a line, a tab between"),
        ("--closest", "a cat\na cat\n", "has one sentence, 2 times; pairs need two different ones"),
    ],
)
def test_what_holds_no_pairs_is_one_sentence(
    option: str, content: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.tsv").write_text(content)
    assert main(["similarity", "all-minilm-l6-v2", option, str(tmp_path / "own.tsv")]) == 2
    error = capsys.readouterr().err
    assert f"own.tsv{':' * (': ' in error.split('own.tsv')[1][:2])} {message}" in error


def test_standard_input_is_read_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "all-minilm-l6-v2", "-", "--query-file", "-"]) == 2
    assert "- is standard input, for the sentences or for the queries" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["HF_HUB_ETAG_TIMEOUT", "HF_HUB_DOWNLOAD_TIMEOUT"])
@pytest.mark.parametrize("value", ["abc", "", "1.5"])
def test_a_setting_of_the_hubs_client_that_is_no_number_is_named(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["similarity", "owner/none", "a", "b", "--offline"]) == 2
    assert f"{name} is {value!r}, expected a number of seconds; correct or unset it" in capsys.readouterr().err


def test_a_pair_has_one_cosine_whichever_command_prints_it(
    tmp_path: Path, tiny_bert: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A map of the target counts the lines that stand twice, and these are ranked once."""
    texts = [f"the {one} sees a {other}" for one in ("cat", "dog", "man", "sun") for other in ("film", "house", "car")]
    file = tmp_path / "texts.txt"
    file.write_text("\n".join([*texts, *texts[:7], *texts[:3]]) + "\n", encoding="utf-8")
    encoder = f"{tiny_bert},post=whitening,k=3"
    assert main(["similarity", encoder, "--matrix", str(file)]) == 0
    matrix = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert main(["similarity", encoder, "--closest", str(file), "-k", "66"]) == 0
    pairs = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert len(pairs) == 66
    for value, first, second in pairs:
        assert value == matrix[texts.index(first)][texts.index(second)]
    assert main(["search", encoder, str(file), texts[4], "-k", "12"]) == 0
    for line in capsys.readouterr().out.splitlines():
        _, value, sentence = line.split("\t")
        assert abs(float(value) - float(matrix[4][texts.index(sentence)])) < 2e-4
