"""BERT-whitening Figure 2: Spearman's ρ × 100 by the number of dimensions that whitening keeps.

    make whitening-f2        (repro table whitening-f2)

The paper draws curves and prints no numbers. Each base is whitened on the target, to 16 dimensions and more, up to all
that its covariance has; the figure beside the table has the averages. Without a model hub expect all-MiniLM-L6-v2 and
scratch-bert under two poolings each: of the first's means 128 dimensions are best (77.25), of the other's all (61.39).
"""

from repro.encoders.recipe import WhitenedRecipe
from repro.encoders.zoo import transformer
from repro.evaluation.systems import system_of
from repro.tables import demo, scratch
from repro.tables.columns import sts
from repro.tables.spec import Row, Table, zoo_row
from repro.tables.whitening_1_without_nli import NOTES, ORDER, WEIGHTED

SMALL = (16, 32, 64, 128)
# name in the zoo: (label, dimensions kept beside SMALL and all)
BASES: dict[str, tuple[str, tuple[int, ...]]] = {
    "bert-base-first-last-avg": ("BERT-base, first-last", (256, 384, 512)),
    "bert-large-first-last-avg": ("BERT-large, first-last", (256, 384, 512, 768)),
    "minilm-avg": ("all-MiniLM-L6-v2, mean", (192, 256)),
    "minilm-first-last-avg": ("all-MiniLM-L6-v2, first-last", (192, 256)),
    "scratch-avg": ("scratch-bert, mean", (85, 192)),
    "scratch-first-last-avg": ("scratch-bert, first-last", (85, 192)),
}


def reduced(name: str, label: str, dimensions: tuple[int, ...]) -> tuple[Row, ...]:
    """A base of the zoo, plain and whitened on the target to each of these numbers of dimensions, and to all."""
    base = transformer(name)
    whitened = (
        Row(f"{name}-whitening-{k}-target", f"k = {k}", label, system_of(WhitenedRecipe(base, k=k))) for k in dimensions
    )
    every = Row(f"{name}-whitening-target", "all dimensions", label, system_of(WhitenedRecipe(base)))
    return (zoo_row(name, "not whitened", label), *whitened, every)


TABLE = Table(
    id="whitening-f2",
    title="BERT-whitening, Figure 2: the dimensions that are kept (Spearman's ρ × 100)",
    paper="Su, Cao, Liu and Ou, Whitening Sentence Representations, 2021, Figure 2",
    command="make whitening-f2",
    rows=tuple(
        row for name, (label, more) in BASES.items() for row in reduced(name, label, tuple(sorted({*SMALL, *more})))
    ),
    columns=sts("wmean", WEIGHTED, order=ORDER),
    demo=reduced("minilm-avg", demo.PLAIN, (8, 16, 32))[:-1],  # its years have fewer sentences than dimensions
    notes=(
        *NOTES[:3],
        "Fitted on all sentences of the task, of all its splits, without labels.",
        "The paper's figure is a picture: there are no printed numbers to hold these against. Those of BERT-base "
        "with 256 dimensions, of BERT-large with 384, and of both with all are in whitening-1.",
        scratch.NOTE,
    ),
)
