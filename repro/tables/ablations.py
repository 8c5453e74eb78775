"""What the tables of SimCSE's ablations share: STS-B's dev set, and a row of each base for each training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from repro.encoders.zoo import BERT_BASE, MINILM, SCRATCH_BERT
from repro.tables import scratch
from repro.tables.columns import SIMCSE_TEXT
from repro.tables.spec import BEYOND, AnyColumn, Column, ColumnRef, Ref, Row, Setup, zoo_row
from repro.training.contrastive import ContrastiveRecipe

COLUMNS = (
    Column("dev", "STS-B dev", f"stsb-dev{SIMCSE_TEXT}"),
    Column("test", "STS-B test", f"stsb{SIMCSE_TEXT}"),
)
IN_LEDGER = {"dev": ColumnRef("STS-B dev")}
OWN = {"minilm": ("all-MiniLM-L6-v2", MINILM), "scratch": ("scratch-bert", SCRATCH_BERT)}
TRIPLETS = 3768  # of the NLI sample
SELECTED = (
    "STS-B dev: the best of the looks in the course of training, every 125 steps as in SimCSE's scripts (Appendix A "
    "says 250); on the samples, whose trainings are short, also at the end of an epoch. Text as in simcse-5. The "
    "paper's rows are one run each, and seed variance of unsupervised SimCSE is about two points "
    "(SimCSE#63). Rows of all-MiniLM-L6-v2 and scratch-bert are the mean ± standard deviation of three seeds, or one "
    "run, without ±; what a row adds is to be read against the row of the same base that changes nothing."
)
ONCE = (
    "all-MiniLM-L6-v2: unsupervised SimCSE as it is has three seeds, with one encoder on a CPU within 0.1 of each "
    "other on dev (the run on a GPU in simcse-6 is 0.3 below them); the others are one run each."
)
MINILM_ONCE = "all-MiniLM-L6-v2: one run each."
SCRATCH_ONCE = "scratch-bert: rows with ± have three seeds, the others are one run each."
WIKI_SAMPLE = "Wikipedia sample: the first 11,914 sentences of SimCSE's million, one epoch, its settings."
NLI_SAMPLE = (
    "NLI sample: 36,703 training pairs of SNLI and MultiNLI that are on GitHub, 12,426 of them entailed, 11,987 "
    "neutral, 12,290 contradicted, which make 3,768 triplets; three epochs. The paper's BERT-base had 275,601 triplets."
)


@dataclass(frozen=True)
class Ablation:
    """A row of such a table: what is trained on the paper's data, and on a sample of it that anybody can fetch."""

    slug: str
    label: str
    system: str  # as the ledger has it
    full: ContrastiveRecipe
    sample: ContrastiveRecipe
    bases: tuple[str, ...] = tuple(OWN)  # what is trained on the sample, of OWN
    once: tuple[str, ...] = ()  # of these bases, those from which it is trained once, not scratch.SEEDS times

    def setup(self, columns: Sequence[AnyColumn] = COLUMNS) -> Setup:
        """For --base: the paper's training, one for all columns."""
        return _setup(self.slug, self.label, self.full, columns)


def _setup(slug: str, label: str, recipe: ContrastiveRecipe, columns: Sequence[AnyColumn]) -> Setup:
    measured = [column.slug for column in columns if isinstance(column, Column)]
    return Setup(slug, label, tuple((name, recipe) for name in measured))


def rows(
    ablations: Sequence[Ablation], group: str, paper: Callable[[str], Ref], columns: Sequence[AnyColumn] = COLUMNS
) -> tuple[Row, ...]:
    """The paper's rows, of BERT-base."""
    return tuple(
        ablation.setup(columns).row(BERT_BASE, ablation.slug, ablation.label, group, paper(ablation.system))
        for ablation in ablations
    )


def own_rows(ablations: Sequence[Ablation], data: str, columns: Sequence[AnyColumn] = COLUMNS) -> tuple[Row, ...]:
    """The same of other bases, on the sample (`data` names it), below the base as it is under SimCSE's pooling."""
    own = []
    for base, (name, recipe) in OWN.items():
        own.append(zoo_row(f"{base}-cls", f"{name} before, [CLS]", BEYOND))
        for ablation in ablations:
            if base in ablation.bases:
                setup = _setup(ablation.slug, ablation.label, ablation.sample, columns)
                label = f"{name}, {data}, {ablation.label}"
                seeds = 1 if base in ablation.once else scratch.SEEDS
                own.append(setup.row(recipe, f"{base}-{ablation.slug}", label, BEYOND, seeds=seeds))
    return tuple(own)
