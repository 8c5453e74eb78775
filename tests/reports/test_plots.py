"""What the figures show, as numbers: growth with n from the times that are stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from repro.encoders.recipe import TimedRecipe, TransformerRecipe, WhitenedRecipe
from repro.evaluation.config import Options
from repro.evaluation.plan import plan
from repro.evaluation.run import run
from repro.evaluation.suite import Suite
from repro.evaluation.systems import Timed, system_of
from repro.reports.plots import Reduction, columns_of, plots
from repro.results.result import Result
from repro.results.signature import Signature
from repro.tables import get
from repro.tables.spec import BEYOND, Average, Column, Row, Table
from repro.tasks.closest_pair import BiEncoderTimes


def test_growth_has_the_times_of_each_row_and_needs_its_devices_columns_alone(tiny_bert: Path) -> None:
    recipe = TimedRecipe(TransformerRecipe(str(tiny_bert)))
    table = replace(get("sbert-65h"), rows=(Row("tiny", "Tiny", BEYOND, Timed(recipe)),))
    finished = run(plan(table, Options(suite=Suite("mini"), device="cpu", limit=20)))
    (plot,) = [plot for plot in plots(table, finished.stored) if plot.name == "growth-cpu"]
    ((line,),) = plot.panels
    assert line.label == "Tiny"
    assert len(line.sizes) == len(line.encoding) == len(line.search) == 1  # fewer than 1,000 sentences
    assert line.pairs_per_second == finished.stored["tiny", "pairs-cpu"].value
    times = BiEncoderTimes(*map(np.array, (line.sizes, line.encoding, line.search)))
    assert times.values["closest-pair-seconds"] == finished.stored["tiny", "seconds-cpu"].value
    assert columns_of(plot, table) == {"seconds-cpu", "pairs-cpu"}


def result(value: float) -> Result:
    signature = Signature("stsb", {}, {}, "")
    return Result("spearman-all", value, None, None, signature, "weights", "", "cpu", "float32", 0.0, "")


def test_a_reduction_is_of_one_base_in_the_order_of_the_dimensions_kept() -> None:
    bases = [TransformerRecipe(f"owner/{name}", pooling="mean") for name in ("a", "b")]
    kept: list[int | None] = [None, 128, 16]
    rows = [Row(f"a-{k}", str(k), BEYOND, system_of(WhitenedRecipe(bases[0], k=k))) for k in kept]
    rows += [Row("a", "plain", BEYOND, system_of(bases[0]))]
    rows += [Row(f"b-{k}", str(k), BEYOND, system_of(WhitenedRecipe(bases[1], k=k))) for k in kept[:2]]  # too few
    columns = (Column("x", "x", "stsb"), Column("y", "y", "sickr"), Average("Avg.", ("x", "y")))
    table = Table("t", "T", "P", tuple(rows), columns)
    stored = {(row.slug, slug): result(n + (slug == "y")) for n, row in enumerate(rows) for slug in ("x", "y")}
    (plot,) = plots(table, stored)
    assert plot.name == "dimensions"
    assert plot.panels == ((Reduction(BEYOND, ("16", "128", "full"), (2.5, 1.5, 0.5), 3.5),),)
    del stored["a-16", "y"]  # a curve of two
    assert list(plots(table, stored)) == []
