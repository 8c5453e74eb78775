"""Steps: what is counted is told to whoever listens, from any thread, and ends whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from repro import progress
from repro.encoders import zoo
from repro.errors import ReproError
from repro.postprocessing.flow import Flow
from repro.postprocessing.settings import FlowSettings
from repro.probes.adam import ADAM
from repro.probes.base import Fit, Probe
from repro.probes.exact import EXACT


class Heard(progress.Nobody):
    """Remembers the steps that began, and which of them ended."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.steps: list[progress.Step] = []
        self.over: list[progress.Step] = []

    def at(self, title: str) -> None:
        self.titles.append(title)

    def begun(self, step: progress.Step) -> None:
        self.steps.append(step)

    def ended(self, step: progress.Step) -> None:
        self.over.append(step)


def heard(work: Callable[[], object]) -> Heard:
    listener = Heard()
    with progress.heard_by(listener):
        work()
    return listener


def test_nobody_listens_unless_asked_to() -> None:
    progress.at("nothing")
    with progress.step(3, "sentences") as step:
        step.advance(2)
    assert step.done == 2


def test_a_listener_hears_what_is_done_while_it_listens_and_no_longer() -> None:
    listener = heard(lambda: progress.at("first"))
    progress.at("second")
    assert listener.titles == ["first"]


def test_a_step_ends_whatever_happens_in_it() -> None:
    def work() -> None:
        with progress.step(2, "steps", done=1) as step:
            step.advance(note="loss 0.5")
            raise ReproError("it diverged")

    listener = Heard()
    with progress.heard_by(listener), pytest.raises(ReproError, match="diverged"):
        work()
    (step,) = listener.steps
    assert (step.done, step.note, listener.over) == (2, "loss 0.5", [step])


def test_threads_advance_the_step_of_the_one_that_began_it() -> None:
    def work() -> None:
        with progress.step(40, "fits") as step, ThreadPoolExecutor(4) as workers:
            list(workers.map(lambda _: step.advance(), range(40)))

    assert [step.done for step in heard(work).steps] == [40]


@pytest.mark.parametrize("probe", [EXACT, ADAM], ids=lambda probe: probe.name)
def test_a_probe_counts_its_fits(probe: Probe) -> None:
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(60, 4)), np.arange(60) % 2
    watched = np.arange(60) >= 50
    fits = [Fit(~watched, penalty, watched) for penalty in probe.nested]
    (step,) = heard(lambda: probe.fit_predict(features, labels, fits)).steps
    assert (step.unit, step.total, step.done) == ("fits", len(fits), len(fits))


def test_the_fit_of_a_flow_counts_its_steps() -> None:
    vectors = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    settings = FlowSettings(levels=1, depth=1, epochs=1.5, batch_size=16)
    (step,) = heard(lambda: Flow(settings, seed=0).fit(vectors)).steps
    assert (step.total, step.done) == (3, 3)  # 1.5 epochs of 32 pairs, 16 a step


def test_an_encoder_counts_distinct_sentences(tiny_bert: Path) -> None:
    group = zoo.build(str(tiny_bert), device="cpu")
    (step,) = heard(lambda: group.encode(["a cat", "a dog", "a cat"])).steps
    assert (step.unit, step.total, step.done) == ("sentences", 2, 2)
