"""The page as Markdown, from written tables and the ledger alone: what the base is, the ladder, and every claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from repro import tables
from repro.data import pretraining
from repro.published.claims import BASE
from repro.published.findings import PUBLISHED, Fared, measured
from repro.published.outcomes import LEGEND
from repro.reports.claims.ladder import FIRST_LAST, QUOTED, TABLE, Step, ladder, points
from repro.reports.layout import DASH
from repro.reports.markdown import escape
from repro.reports.plots import Point
from repro.training.setups import MLM_BASE

FORMS = ("svg", "png")
HOLDING = {True: "✓ ", False: "✗ ", None: ""}


def files(fared: Fared, folder: Path) -> dict[str, str | bytes]:
    """Content by name: claims.md, and where rows of the base are measured its figure. `folder` holds the tables."""
    table, lines = tables.get(TABLE), measured(folder / f"{TABLE}.csv")
    steps, shown = ladder(table, lines), points(table, lines)
    contents: dict[str, str | bytes] = {"claims.md": to_markdown(fared, steps, shown, trained_bases(folder))}
    if len(shown) > 1:
        from repro.reports.claims.figure import draw

        contents |= {f"claims.{form}": content for form, content in draw(shown, steps, FORMS).items()}
    return contents


def trained_bases(folder: Path) -> dict[str, list[str]]:
    """Which tables in `folder` hold numbers of which weights of the base, by their checksums."""
    by_weights: dict[str, list[str]] = {}
    for name in tables.TABLES:
        lines = measured(folder / f"{name}.csv").values()
        for weights in sorted({line.get("weights", "") for line in lines}):
            model, _, checksum = weights.rpartition(" sha256:")
            if model.startswith(f"{BASE}@"):
                by_weights.setdefault(checksum, []).append(name)
    return by_weights


def to_markdown(fared: Fared, steps: Sequence[Step], shown: Sequence[Point], bases: Mapping[str, Sequence[str]]) -> str:
    """The text of the page; `shown`: the points of its figure, `bases`: see `trained_bases`."""
    sentences = sum(part.kept for part in pretraining.parts())
    page = [
        "# The papers' claims, measured on a base that nobody tuned",
        "",
        f"`{BASE}` is a BERT of {MLM_BASE.layers} layers × {MLM_BASE.width} that `make base-from-scratch` trains on "
        f"nothing but the masked words of {sentences:,} sentences, none of them of a test set but SNLI's. It is "
        "small: it is there to measure in which direction a claim's numbers go, not to reach them. `make claims` "
        "writes this page from the tables and the ledger; `repro claims ID` shows each comparison on a table.",
        "",
        *_figure(shown),
        "",
        "## From CLS to supervised SimCSE",
        "",
        f"Averages of seven STS sets over all pairs ([{TABLE}](../tables/{TABLE}.md), Spearman's ρ × 100).",
        "",
        f"| | {BASE} | BERT-base, published |",
        "|---|---|---|",
        *(f"| {step.name} | {_average(step)} | {_published(step)} |" for step in steps),
        "",
        *_spread(steps),
        f"¹ Sentence-BERT's Table 1 ([{QUOTED}](../tables/{QUOTED}.md)): layer 11 of 12, 25 tokens; the other "
        "published averages are SimCSE's.",
        "",
        f"² Of the input embeddings and layer 12; {BASE}'s is of layers 1 and {MLM_BASE.layers}. Layers 1 and 12 of "
        "BERT-base give 60.73 (princeton-nlp/SimCSE#285).",
        "",
        "## Claims",
        "",
        f"| table | claim | {PUBLISHED} | {BASE} |",
        "|---|---|---|---|",
        *_claims(fared),
        "",
        *_bases(bases),
        f"{LEGEND} Claims about a model that was trained by contrast are this suite's own, about all-MiniLM-L6-v2 and "
        f"all-mpnet-base-v2 (`repro claims`); on `{BASE}`, which was not, they are a check of the contrary.",
    ]
    return "\n".join(page) + "\n"


def _figure(shown: Sequence[Point]) -> list[str]:
    if len(shown) > 1:
        return [f"![Alignment against uniformity of {BASE}'s rows, and the ladder of their STS averages](claims.svg)"]
    return [f"The figure comes with the rows of `{BASE}` in {TABLE}, which are not measured yet."]


def _average(step: Step) -> str:
    if step.average is None:
        return "not measured"
    return f"{step.average:.2f}" + (f" ± {step.spread:.2f}" if step.spread is not None else "")


def _published(step: Step) -> str:
    if step.published is None:
        return DASH
    return f"{step.published:.2f}" + (" ¹" if step.quoted else " ²" if step.name == FIRST_LAST else "")


def _spread(steps: Sequence[Step]) -> list[str]:
    """What the numbers behind ± are, where there are some."""
    seeds = sorted({step.seeds for step in steps if step.spread is not None})
    if not seeds:
        return []
    counts = " or ".join(map(str, seeds))
    return [
        f"±: over {counts} seeds; the mean of the sets' standard deviations, which that of the average cannot exceed.",
        "",
    ]


def _bases(bases: Mapping[str, Sequence[str]]) -> list[str]:
    """Which rows stand for the paper's, and, where the base was trained on several machines, which tables are of
    which."""
    stand_ins = (
        f"Of `{BASE}`, averaged GloVe vectors are its input embeddings, BERT under bert-as-service is its last layer, "
        f"and a first and last layer are 1 and {MLM_BASE.layers}."
    )
    if len(bases) < 2:
        return [stand_ins, ""]
    of = "; ".join(f"sha256:{checksum} in {', '.join(names)}" for checksum, names in bases.items())
    return [
        f"{stand_ins} Another kind of machine trains other weights by the same recipe: {of}. No comparison is of two.",
        "",
    ]


def _claims(fared: Fared) -> Iterator[str]:
    for claim, findings in fared:
        cells = [
            HOLDING[finding.holds] + finding.summary for finding in findings if finding.source in (PUBLISHED, BASE)
        ]
        table = f"[{claim.table}](../tables/{claim.table}.md)"
        yield "| " + " | ".join([table, escape(claim.sentence), *cells]) + " |"
