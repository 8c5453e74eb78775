"""What the figures show, as numbers: growth with n from the times that are stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from repro.encoders.recipe import TimedRecipe, TransformerRecipe
from repro.evaluation.config import Options
from repro.evaluation.plan import plan
from repro.evaluation.run import run
from repro.evaluation.suite import Suite
from repro.evaluation.systems import Timed
from repro.reports.plots import columns_of, plots
from repro.tables import get
from repro.tables.spec import BEYOND, Row
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
