"""The store of embeddings: nothing is encoded twice, the bound holds, two processes and a kill do no harm."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from repro.cli.main import main
from repro.encoders import zoo
from repro.encoders.cache import Embedded, Embedder, EmbeddingCache
from repro.encoders.recipe import TransformerRecipe
from repro.errors import ReproError
from tests.conftest import save_tiny_bert
from tests.encoders.folders import edit_json

SENTENCES = ["the cat sits", "a dog runs", "the house is red"]


@pytest.fixture
def cache(tmp_path: Path) -> EmbeddingCache:
    return EmbeddingCache(tmp_path / "embeddings", bound=10**6)


def embedder(folder: Path, cache: EmbeddingCache, *poolings: str) -> Embedder:
    members = [zoo.locate(TransformerRecipe(str(folder), pooling=pooling)) for pooling in poolings or ("mean",)]
    return Embedder(members, "cpu", "float32", cache)


def key(letter: str) -> str:
    return letter * 32


def embedded(rows: int) -> Embedded:
    return Embedded(np.arange(rows * 4, dtype=np.float32).reshape(rows, 4), 0, "cpu", 1.0)


def test_a_second_run_reads_and_does_not_load_the_model(
    tiny_bert: Path, cache: EmbeddingCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = embedder(tiny_bert, cache, "mean", "cls").embed(SENTENCES)
    monkeypatch.setattr(zoo, "Group", None)  # building one would fail
    again = embedder(tiny_bert, cache, "mean", "cls").embed(SENTENCES)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.vectors, other.vectors)
        assert (other.seconds, other.device) == (0.0, "cpu")


@pytest.mark.parametrize("change", ["sentences", "order", "recipe"])
def test_what_decides_the_numbers_is_in_the_key(tiny_bert: Path, cache: EmbeddingCache, change: str) -> None:
    embedder(tiny_bert, cache).embed(SENTENCES)
    sentences = {"sentences": [*SENTENCES, "a"], "order": SENTENCES[::-1]}.get(change, SENTENCES)
    embedder(tiny_bert, cache, "max" if change == "recipe" else "mean").embed(sentences)
    assert len(cache.entries()) == 2


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, bound=5600)
    for number, name in enumerate(("a", "b", "c")):
        cache.put(key(name), name, embedded(100))  # 1,600 bytes and a header
        os.utime(tmp_path / f"{key(name)}.safetensors", (1000 + number,) * 2)
    assert cache.get(key("a")) is not None  # used now
    cache.put(key("d"), "d", embedded(100))
    assert {entry.encoder for entry in cache.entries()} == {"a", "c", "d"}


def test_the_newest_stays_even_beyond_the_bound(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, bound=10)
    cache.put(key("a"), "a", embedded(100))
    cache.put(key("b"), "b", embedded(100))
    assert [entry.encoder for entry in cache.entries()] == ["b"]


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def reversed_rows(path: Path) -> None:
    with safe_open(path, framework="numpy") as file:
        vectors, metadata = file.get_tensor("vectors"), file.metadata()
    save_file({"vectors": np.ascontiguousarray(vectors[::-1])}, path, metadata)


ALTERED: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "junk": lambda path: path.write_bytes(b"junk"),
    "a header alone": lambda path: path.write_bytes(b"\x40\x00\x00\x00\x00\x00\x00\x00{}"),
    "one bit": flipped,
    "rows reversed": reversed_rows,
    "another encoder's": lambda path: path.write_bytes(path.with_name(f"{key('b')}.safetensors").read_bytes()),
    "a folder": lambda path: (path.unlink(), (path / "inside").mkdir(parents=True)),
    "a FIFO": lambda path: (path.unlink(), os.mkfifo(path)),
    "a link to itself": lambda path: (path.unlink(), path.symlink_to(path.name)),
}


@pytest.mark.parametrize("how", ALTERED)
def test_an_altered_matrix_counts_as_not_there_and_is_said(
    how: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache, path = EmbeddingCache(tmp_path, bound=10**6), tmp_path / f"{key('a')}.safetensors"
    cache.put(key("a"), "a", embedded(3))
    cache.put(key("b"), "b", embedded(3))
    ALTERED[how](path)
    assert [cache.get(key("a")) for _ in range(2)] == [None, None]  # a run looks twice
    assert [record.getMessage().count("computed again") for record in caplog.records] == [1]
    assert {entry.encoder for entry in cache.entries()} <= {"a", "b"}
    cache.put(key("a"), "a", embedded(3))
    assert cache.get(key("a")) is not None
    assert path.with_name(f"{path.name}.aside-1").is_dir() == (how == "a folder")  # somebody's, perhaps


def test_where_nothing_may_be_written_it_is_said_and_the_vectors_are_there(
    tiny_bert: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "embeddings").write_text("a file in the folder's place")
    cache = EmbeddingCache(tmp_path / "embeddings", bound=10**6)
    for sentences in (SENTENCES, SENTENCES[:2]):
        assert embedder(tiny_bert, cache).embed(sentences)[0].vectors.shape == (len(sentences), 16)
    assert [record.getMessage().count("are not stored") for record in caplog.records] == [1]  # not once a data set


@pytest.mark.long
def test_what_one_process_encodes_the_others_wait_for(tiny_bert: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from repro.encoders.cache import Embedder, EmbeddingCache\n"
        "from repro.encoders import zoo\n"
        "from repro.encoders.recipe import TransformerRecipe\n"
        "ready = zoo.locate(TransformerRecipe(sys.argv[1]))\n"
        "sentences = [f'the cat sits on {number}' for number in range(3000)]\n"
        "print(Embedder([ready], 'cpu', 'float32', EmbeddingCache(Path(sys.argv[2]))).embed(sentences)[0].seconds)\n"
    )
    command = [sys.executable, "-c", script, str(tiny_bert), str(tmp_path)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    seconds = [float(child.communicate(timeout=120)[0]) for child in children]
    assert sorted(second > 0 for second in seconds) == [False, False, True]


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    script = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from repro.encoders.cache import Embedded, EmbeddingCache\n"
        "cache = EmbeddingCache(Path(sys.argv[1]), bound=20000)\n"
        "for i in range(60):\n"
        "    found = cache.get(str(i % 9) * 32)\n"
        "    assert found is None or (found.vectors == i % 9).all()\n"
        "    cache.put(str(i % 9) * 32, 'x', Embedded(np.full((200, 4), i % 9, np.float32), 0, 'cpu', 0.0))\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(2)]
    assert [child.wait(timeout=120) for child in children] == [0, 0]
    entries = EmbeddingCache(tmp_path, bound=20000).entries()
    assert entries
    assert sum(entry.bytes for entry in entries) <= 20000
    assert not list(tmp_path.glob(".*"))


def test_the_command_lists_and_clears(capsys: pytest.CaptureFixture[str]) -> None:
    EmbeddingCache().put(key("a"), "model@local", embedded(100))
    foreign = EmbeddingCache().folder / "notes.safetensors"
    foreign.write_text("mine")
    assert main(["cache"]) == 0
    listed = capsys.readouterr().out
    assert "100 × 4" in listed
    assert "model@local" in listed
    assert main(["cache", "--clear"]) == 0
    assert "removed 1 files" in capsys.readouterr().out
    assert EmbeddingCache().entries() == []
    assert foreign.read_text() == "mine"


def test_what_is_not_of_the_suites_naming_is_never_removed(tmp_path: Path) -> None:
    """Neither to keep the bound, nor when all is cleared; nor is it listed."""
    names = ["notes.safetensors", "a.safetensors", f"{key('A')}.safetensors", f"{key('a')}.safetensors.bak", key("a")]
    for name in names:
        save_file({"vectors": np.zeros((1000, 4), np.float32)}, tmp_path / name, {"encoder": "mine"})
    (tmp_path / f"{key('b')}.safetensors").mkdir()
    cache = EmbeddingCache(tmp_path, bound=10)
    cache.put(key("c"), "ours", embedded(3))
    assert [entry.encoder for entry in cache.entries()] == ["ours"]
    assert cache.clear() == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, f"{key('b')}.safetensors"])


def test_a_bound_that_is_no_number_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_CACHE_GB", "much")
    with pytest.raises(ReproError, match="REPRO_CACHE_GB is 'much'; give the bound in gigabytes, such as 4"):
        EmbeddingCache()


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer_config.json"])
def test_a_model_that_was_replaced_since_it_was_located_is_not_kept_as_what_it_was(
    name: str, tiny_bert: Path, tmp_path: Path, cache: EmbeddingCache
) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "model"))
    made = embedder(folder, cache)
    other = save_tiny_bert(tmp_path / "other", seed=7)
    edit_json(other / "tokenizer_config.json", model_max_length=5)
    shutil.copy(other / name, folder / name)
    with pytest.raises(ReproError, match="model was replaced while it was read; run it again"):
        made.embed(SENTENCES)
    assert cache.entries() == []
    assert len(embedder(folder, cache).embed(SENTENCES)[0].vectors) == len(SENTENCES)
