"""One page on a run of many tables: which rows match, deviate or did not run, and what is another than before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from repro.published.against import by_place
from repro.results.csv_lines import Line, number
from repro.tables.spec import Table

WORDS = {
    "match": "match",
    "within-noise": "within noise",
    "deviates": "deviate",
    "no-published": "have no published number",
    "other-hardware": "are times of this machine",
    "other-protocol": "were published under another protocol",
    "not-run": "did not run",
}


def to_summary(tables: Mapping[str, tuple[Table, Sequence[Line], Sequence[Line]]]) -> str:
    """Markdown of {file's name: (the table, its lines, those of the run before, none when it is the first)}."""
    out = ["# Tables", "", f"| table | {' | '.join(WORDS.values())} |", "|---" * (len(WORDS) + 1) + "|"]
    for name, (_, lines, _) in tables.items():
        count = Counter(line["verdict"] for line in lines)
        out.append(f"| {name} | " + " | ".join(str(count[verdict] or "") for verdict in WORDS) + " |")
    out += ["", "Cells by verdict; rows below.", ""]
    for name, (table, lines, before) in tables.items():
        measured = {column.slug for column in table.scored()}
        out += [f"## {name}", "", *_rows(lines, measured), *_changes(lines, before, max(2, table.decimals)), ""]
    return "\n".join(out).rstrip() + "\n"


def _rows(lines: Sequence[Line], measured: Collection[str]) -> Iterator[str]:
    """The rows by the worst that is said of one of their cells; what of a row did not run is said with the reason.

    `measured`: the columns that are not computed from others, whose reason is that those did not run.
    """
    verdicts: dict[str, set[str]] = {}
    reasons: dict[str, dict[str, None]] = {}
    missing: dict[tuple[str, str], list[str]] = {}  # columns by row and reason
    for line in lines:
        verdicts.setdefault(line["row"], set()).add(line["verdict"])
        if line["verdict"] == "not-run":
            if line["column"] in measured:
                reasons.setdefault(line["row"], {})[line["reason"]] = None
            missing.setdefault((line["row"], line["reason"]), []).append(line["column"])
    worst = ("deviates", "within-noise", "match", "other-hardware", "other-protocol", "no-published", "not-run")
    of_verdict: dict[str, list[str]] = {verdict: [] for verdict in worst}
    for row, said in verdicts.items():
        of_verdict[next(verdict for verdict in worst if verdict in said)].append(row)
    for verdict in worst[:-1]:
        if of_verdict[verdict]:
            yield f"* **{WORDS[verdict]}**: " + ", ".join(f"`{row}`" for row in of_verdict[verdict])
    by_reason: dict[str, list[str]] = {}
    for row in of_verdict["not-run"]:
        if len(reasons.get(row, {})) == 1:
            by_reason.setdefault(next(iter(reasons[row])), []).append(row)
    for reason, rows in by_reason.items():
        yield f"* **{WORDS['not-run']}**: {', '.join(f'`{row}`' for row in rows)}: {reason}"
    for (row, reason), columns in missing.items():
        if not any(row in rows for rows in by_reason.values()):
            part = " in part" if row not in of_verdict["not-run"] else ""
            yield f"* **{WORDS['not-run']}{part}**: `{row}` × {', '.join(columns)}: {reason}"


def _changes(lines: Sequence[Line], before: Sequence[Line], decimals: int) -> Iterator[str]:
    """What the run before said otherwise: values that print otherwise, verdicts, cells that ran or did not."""
    if not before:
        yield "* nothing to compare with"
        return
    old = by_place("the run before", before)
    now = {(line["row"], line["column"]) for line in lines}

    def said(line: Line) -> str:
        value = number(line["value"])
        return "not run" if value is None else f"{value:z.{decimals}f} ({line['verdict']})"

    changes = [
        f"  * `{row}` × {column}: {said(was)} → not there"
        for (row, column), was in old.items()
        if (row, column) not in now and was["value"]
    ]
    for line in lines:
        was = old.get((line["row"], line["column"]))
        before_that = said(was) if was else "not run"
        if said(line) != before_that:
            changes.append(f"  * `{line['row']}` × {line['column']}: {before_that} → {said(line)}")
    yield f"* **since the run before**: {len(changes) or 'no'} cells differ"
    yield from changes
