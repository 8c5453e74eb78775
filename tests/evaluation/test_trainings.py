"""Trained rows: units of one training each, and what their cells make. A two-layer BERT on the embedded data."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest

from repro import progress
from repro.cli.main import main
from repro.encoders.recipe import TransformerRecipe
from repro.errors import ReproError
from repro.evaluation import trainings
from repro.evaluation.config import Options
from repro.evaluation.executors import Cluster
from repro.evaluation.plan import Plan, plan
from repro.evaluation.run import run as compute
from repro.evaluation.session import Session
from repro.evaluation.suite import Suite
from repro.evaluation.units import Outcome
from repro.published import ledger
from repro.results.csv_lines import from_csv
from repro.tables.spec import BEYOND, Column, Setup, Table
from repro.training import setups
from tests.conftest import save_tiny_bert
from tests.encoders.folders import edit_json

COLUMNS = (
    Column("stsb", "STSb test", "stsb"),
    Column("stsb-dev", "STSb dev", "stsb-dev"),
    Column("topics", "ρ", "afs-topics", "spearman-mean"),
)
OPTIONS = Options(suite=Suite("mini"), device="cpu", sample=16, resamples=50)


def table(base: Path, seeds: int = 1, kind: str = "") -> Table:
    """One row, trained on STS-B for two columns and on arguments for the third."""
    stsb = replace(setups.SETUPS[f"{kind}stsb"], epochs=1, select_every=None)
    afs = replace(setups.CROSS_AFS if kind else setups.AFS, epochs=1)
    setup = Setup("tiny", "tiny", (("stsb", stsb), ("stsb-dev", stsb), ("topics", afs)))
    row = setup.row(TransformerRecipe(str(base)), "tiny", "Tiny", BEYOND, seeds=seeds)
    return Table("t", "T", "P", (row,), COLUMNS)


def run(finished: Table, options: Options = OPTIONS, executor: str = "") -> tuple[Plan, list[str]]:
    """The finished run, and what was said of it: the title of each piece of work, or the executor's lines."""
    said: list[str] = []
    listener = progress.Nobody()
    listener.at = said.append  # type: ignore[method-assign]
    with progress.heard_by(listener):
        return compute(plan(finished, options), said.append, cluster=Cluster(executor) if executor else None), said


@pytest.mark.parametrize("kind", ["", "cross-"])
def test_a_row_is_one_training_a_seed_and_fold(tiny_bert: Path, kind: str) -> None:
    finished, said = run(table(tiny_bert, seeds=2, kind=kind))
    assert len([line for line in said if ": seed " in line]) == 2 + 2 * 3  # STS-B serves two columns
    for column in COLUMNS:
        cell = finished.stored["tiny", column.slug]
        values = list(cell.scores.values())
        assert (cell.seeds, len(values)) == (2, 2)
        assert cell.value == pytest.approx(fmean(values))
        assert cell.std == pytest.approx(stdev(values))
        assert cell.ci_low is None
        assert "|sample:16|" in str(cell.signature)
        assert "|seeds:2|v:" in str(cell.signature)
    again, said = run(table(tiny_bert, seeds=2, kind=kind))
    assert said == []
    assert again.stored == finished.stored


def test_one_seed_has_an_interval_and_no_spread(tiny_bert: Path) -> None:
    finished, _ = run(table(tiny_bert))
    cell = finished.stored["tiny", "stsb"]
    assert (cell.seeds, cell.std) == (1, None)
    assert cell.ci_low is not None
    assert cell.ci_high is not None
    assert cell.ci_low <= cell.value <= cell.ci_high
    assert cell.items
    assert finished.stored["tiny", "topics"].ci_low is None  # three models: no one set of items


def test_more_seeds_train_only_what_is_new_and_a_killed_sweep_goes_on(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(table(tiny_bert), Options(suite=Suite("mini"), device="cpu", sample=16, resamples=50, tasks=("stsb",)))
    real, done = trainings.TrainingUnit.run, []

    def killed(unit: trainings.TrainingUnit, session: Session) -> Outcome:
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(unit)
        return real(unit, session)

    three = Options(suite=Suite("mini"), device="cpu", sample=16, resamples=50, tasks=("stsb",), seeds=3)
    with monkeypatch.context() as patch:
        patch.setattr(trainings.TrainingUnit, "run", killed)
        with pytest.raises(KeyboardInterrupt):
            run(table(tiny_bert), three)
    finished, said = run(table(tiny_bert), three)
    assert [unit.seed for unit in done] == [1]
    assert said == ["1 of 1: tiny: seed 2"]
    assert finished.stored["tiny", "stsb"].seeds == 3


def test_a_cut_run_never_passes_for_a_full_one(tiny_bert: Path) -> None:
    assert Options(sample=5, seeds=2).variant == ".sample-5.seeds-2"
    cut, _ = run(table(tiny_bert), OPTIONS)
    more = plan(table(tiny_bert), replace(OPTIONS, sample=17))
    assert more.stored == {}
    assert len(cut.stored) == 3


@pytest.mark.parametrize("force", [False, True])
def test_another_base_in_the_same_folder_is_trained_anew(force: bool, tiny_bert: Path, tmp_path: Path) -> None:
    """One file of it is enough, even where no weight changes: here the length at which the tokenizer cuts."""
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "base"))
    only = replace(OPTIONS, tasks=("stsb",))
    found = [run(table(folder), only)[0].stored["tiny", "stsb"]]
    for change in (
        lambda: save_tiny_bert(folder, seed=7),
        lambda: edit_json(folder / "tokenizer_config.json", model_max_length=5),
    ):
        change()
        finished, said = run(table(folder), replace(only, force=force))
        assert said == ["1 of 1: tiny: seed 0"]
        found.append(finished.stored["tiny", "stsb"])
    assert len({cell.weights for cell in found}) == 3
    assert len({cell.value for cell in found}) == 3
    elsewhere = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    assert run(table(elsewhere), only)[0].stored["tiny", "stsb"].value == found[-1].value


def replacing(monkeypatch: pytest.MonkeyPatch, before_seed: int, folder: Path) -> None:
    """The base is another one from that seed's training on."""
    real = trainings.TrainingUnit.run

    def run_of(unit: trainings.TrainingUnit, session: Session) -> Outcome:
        if unit.seed == before_seed:
            save_tiny_bert(folder, seed=7)
        return real(unit, session)

    monkeypatch.setattr(trainings.TrainingUnit, "run", run_of)


def test_a_base_that_is_replaced_during_a_run_gives_no_number_to_the_old_one(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "base"))
    only = replace(OPTIONS, tasks=("stsb",))
    with monkeypatch.context() as patch:
        replacing(patch, 1, folder)
        with pytest.raises(ReproError, match="base was replaced while tiny: seed 1 was trained; run it again"):
            run(table(folder, seeds=2), only)
    expected = run(table(tiny_bert, seeds=2), only)[0].stored["tiny", "stsb"].scores
    shutil.copytree(tiny_bert, folder, dirs_exist_ok=True)
    assert run(table(folder, seeds=2), only)[0].stored["tiny", "stsb"].scores == expected


@pytest.mark.parametrize("first", [("stsb-dev",), ("uniformity",), ("stsb", "uniformity")])
def test_a_number_does_not_depend_on_which_columns_are_computed_with_it(
    first: tuple[str, ...], tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stsb = replace(setups.STSB, epochs=1, select_every=None)
    columns = (*COLUMNS[:2], Column("uniformity", "uniformity", "geometry", "uniformity"))
    setup = Setup("tiny", "tiny", tuple((column.slug, stsb) for column in columns))
    row = setup.row(TransformerRecipe(str(tiny_bert)), "tiny", "Tiny", BEYOND)
    whole = Table("t", "T", "P", (row,), columns)
    expected = run(whole)[0].stored
    monkeypatch.setenv("REPRO_HOME", str(tmp_path / "other"))
    run(whole, replace(OPTIONS, tasks=first))
    found = run(whole)[0].stored
    assert {place: cell.value for place, cell in found.items()} == {p: cell.value for p, cell in expected.items()}


def test_rows_of_one_base_name_its_weights(tiny_bert: Path) -> None:
    system = table(tiny_bert).rows[0].system
    finished, _ = run(table(tiny_bert), replace(OPTIONS, tasks=("stsb",)))
    assert system.weights(Session(OPTIONS)) == finished.stored["tiny", "stsb"].weights


def test_a_cross_encoder_is_scored_in_the_precision_that_its_row_says(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from repro.training.cross_encoder import CrossEncoder

    asked: list[str] = []
    real = CrossEncoder.__init__

    def noted(self: CrossEncoder, *arguments: Any, dtype: str = "float32", **settings: Any) -> None:
        asked.append(dtype)
        real(self, *arguments, dtype=dtype, **settings)

    monkeypatch.setattr(CrossEncoder, "__init__", noted)
    run(table(tiny_bert, kind="cross-"), replace(OPTIONS, tasks=("stsb",), dtype="bfloat16"))
    assert asked[-1] == "bfloat16"


def test_a_home_that_refuses_a_training_costs_that_row_and_a_sound_model_is_used(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from repro.training import train

    only = replace(OPTIONS, tasks=("stsb",))
    before, _ = run(table(tiny_bert), only)

    def refused(path: str, timeout: float) -> Any:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(train, "FileLock", refused)
    after, _ = run(table(tiny_bert), replace(only, force=True))
    assert after.stored["tiny", "stsb"].value == before.stored["tiny", "stsb"].value
    with pytest.raises(ReproError, match=r"cannot write there \(Permission denied\); choose a writable folder"):
        run(table(tiny_bert), replace(only, sample=17))


def test_an_altered_cell_of_a_seed_is_said_once_and_that_seed_alone_is_scored_again(
    tiny_bert: Path, caplog: pytest.LogCaptureFixture
) -> None:
    only = replace(OPTIONS, tasks=("stsb",), seeds=3)
    finished, _ = run(table(tiny_bert), only)
    caplog.clear()
    path = sorted((Path(os.environ["REPRO_HOME"]) / "results").rglob("*.json"))[1]
    stored = json.loads(path.read_text())
    stored["result"]["value"] += 1
    path.write_text(json.dumps(stored))
    again, said = run(table(tiny_bert), only)
    assert len(said) == 1
    assert again.stored["tiny", "stsb"].scores == finished.stored["tiny", "stsb"].scores
    assert [record.getMessage() for record in caplog.records] == [
        f"the stored result {path} was altered or is damaged; it is computed again"
    ]


@pytest.mark.parametrize("executor", ["debug", pytest.param("local", marks=pytest.mark.slow)])
def test_submitit_gives_the_cells_of_a_run_in_this_process(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executor: str
) -> None:
    only = replace(OPTIONS, tasks=("stsb",))
    here, _ = run(table(tiny_bert, seeds=2), only)
    monkeypatch.setenv("REPRO_HOME", str(tmp_path / "elsewhere"))
    there, said = run(table(tiny_bert, seeds=2), only, executor=executor)
    assert said[-1] == "2 of 2: tiny: seed 1 done"
    for key, cell in here.stored.items():
        assert there.stored[key].scores == cell.scores


def test_a_failing_unit_is_named_and_the_others_are_stored(tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from repro.training import trainer

    real = trainer._gradients

    def broken(*arguments: object) -> float:
        return float("nan") if os.environ["SEED"] == "1" else real(*arguments)  # type: ignore[arg-type]

    real_run = trainings.TrainingUnit.run

    def seeded(unit: trainings.TrainingUnit, session: Session) -> Outcome:
        os.environ["SEED"] = str(unit.seed)
        return real_run(unit, session)

    monkeypatch.setenv("SEED", "0")
    monkeypatch.setattr(trainer, "_gradients", broken)
    monkeypatch.setattr(trainings.TrainingUnit, "run", seeded)
    only = replace(OPTIONS, tasks=("stsb",), seeds=3)
    with pytest.raises(ReproError, match="the loss is nan at step 1"):
        run(table(tiny_bert), only, executor="debug")
    monkeypatch.setattr(trainer, "_gradients", real)
    _, said = run(table(tiny_bert), only)
    assert said == ["1 of 1: tiny: seed 1"]


def test_a_trained_row_is_judged_by_its_spread() -> None:
    from repro import tables

    found = tables.get("sbert-2")
    (row,) = (row for row in found.rows if row.slug == "sbert-stsb-base")  # 84.67 ± 0.19 in the paper
    (column,) = (column for column in found.scored() if column.slug == "stsb")
    expected = [  # tolerance: 0.5, or twice our own spread where that is more
        (84.2, 0.1, "within-noise"),
        (84.1, 0.1, "deviates"),
        (84.1, 0.3, "within-noise"),
        (85.2, 0.1, "deviates"),  # too good is a deviation too
    ]
    for value, std, verdict in expected:
        assert ledger.judge(found, row, column, value, (std,), "").verdict == verdict


def test_base_adds_a_row_for_each_setup_of_the_table(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["table", "sbert-4", "--base", str(tiny_bert), "--suite", "mini", "--row", "minilm-avg", "--sample", "8"]
    assert main([*command, "--device", "cpu", "--out", str(tmp_path)]) == 0
    text = (tmp_path / "mini" / "sbert-4.sample-8.md").read_text()
    assert f"{tiny_bert}: triplet objective" in text
    assert "obj:triplet" in text
    capsys.readouterr()
    assert main(["table", "sbert-1", "--base", str(tiny_bert), "--dry-run"]) == 2
    assert "sbert-1 trains nothing" in capsys.readouterr().err


def test_a_base_with_settings_is_trained_under_them_or_its_row_says_why_not(
    tiny_bert: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = f"{tiny_bert},pooling=cls"
    command = ["table", "sbert-2", "--suite", "mini", "--base", str(tiny_bert), "--base", base, "--sample", "8"]
    rows = ("stsb", "cross-stsb")
    chosen = [part for name in (str(tiny_bert), base) for row in rows for part in ("--row", f"{name}:{row}")]
    assert main([*command, *chosen, "--seeds", "1", "--device", "cpu", "--out", str(tmp_path)]) == 0
    found = {line["row"]: line for line in from_csv(tmp_path / "mini/sbert-2.sample-8.seeds-1.csv")}
    assert {row for row, line in found.items() if line["value"]} == {*chosen[1::2]} - {f"{base}:cross-stsb"}
    assert "pool:mean" in found[f"{tiny_bert}:stsb"]["signature"]
    assert "pool:cls" in found[f"{base}:stsb"]["signature"]
    assert found[f"{tiny_bert}:stsb"]["value"] != found[f"{base}:stsb"]["value"]
    assert found[f"{tiny_bert}:cross-stsb"]["value"]
    assert "pools nothing; leave out pooling" in found[f"{base}:cross-stsb"]["reason"]
    capsys.readouterr()
    assert main(["table", "sbert-6", "--base", base, "--dry-run"]) == 2
    assert "the rows of sbert-6 have poolings of their own; leave out pooling" in capsys.readouterr().err
    assert main(["table", "sbert-2", "--base", f"{tiny_bert},layers=1", "--dry-run"]) == 2
    assert "leave out layers" in capsys.readouterr().err


# a training that reads what only its user can bring, and the first file that is missing then
BROUGHT = {
    "unsup-simcse-sample,augment=synonym": "wordnet/data.noun is missing; it is yours to bring (Fellbaum 1998: WordNet",
    "qqp": "qqp/pairs.tsv is missing; it is yours to bring (Iyer et al. 2017",
    "nli-anli": "nli-anli/nli_anli_for_simcse.csv is missing; it is yours to bring (Nie et al. 2020",
}


@pytest.mark.parametrize("name", BROUGHT)
def test_what_is_the_users_to_bring_is_named_with_its_place(tiny_bert: Path, name: str) -> None:
    base = TransformerRecipe(str(tiny_bert))
    recipe = setups.setup(name, base) if "," in name else replace(setups.setup("sup-simcse", base), data=name)
    needs = trainings.needs(recipe, COLUMNS[0], Session(Options(), at_rest=True))
    hopeless = [need.why for need in needs if need.get is None]
    assert len(hopeless) == 1
    assert BROUGHT[name] in hopeless[0]
