"""The front matter of a model card: `model-index`, as the Hugging Face Hub reads it from a model's README.md."""

from __future__ import annotations

from collections.abc import Sequence

from repro.data.registry import other_data
from repro.errors import ReproError
from repro.metrics import metric
from repro.reports.exports.selection import Selection
from repro.results.csv_lines import Line
from repro.results.signature import Signature

# what the hub calls them; other metrics go by their own names
METRICS = {"spearman": "spearmanr", "pearson": "pearsonr"}


def to_model_card(selections: Sequence[Selection]) -> str:
    """The front matter of one row of one or several tables, between its lines of dashes, to be put into a README.md.

    A measured number is a metric: its value on the table's scale, and as `args` its signature, weights, interval and
    commit. Its data set is named as in this suite, with the checksum of the data in place of a hub revision, since the
    numbers were measured on files of that checksum and on no data set of the hub. Averages, which nothing was measured
    for, speeds, which are a machine's, and numbers on data that differ from the public files are left out. ReproError
    where several rows have numbers, or none is left, or where a table has a banner: numbers on the embedded set or on a
    part of the data are no claim about a model.
    """
    from huggingface_hub import EvalResult, ModelCardData  # takes a while to import

    for table in (selection.table for selection in selections):
        if table.banner:
            raise ReproError(f"{table.id} is nothing for a model card: {table.banner}")
    rows = dict.fromkeys(line["row"] for selection in selections for line in selection.measured)
    if len(rows) > 1:
        raise ReproError(f"a model card is one row's; name it with --row: {', '.join(rows)}")
    cells = [(selection.table, *cell) for selection in selections for cell in selection.scored]
    cells = [cell for cell in cells if not metric(cell[1].metric).of_machine]
    cells = [cell for cell in cells if not other_data(cell[1].task, cell[2]["data_sha256"])]
    if not cells:
        raise ReproError(
            "nothing but averages or speeds was measured there, or on other data than the public files; no model card "
            "holds that"
        )
    results = [
        EvalResult(
            task_type=_task_type(line),
            dataset_type=Signature.parse(line["signature"]).task,
            dataset_name=column.label,
            dataset_revision=f"sha256:{line['data_sha256']}",
            metric_type=METRICS.get(column.metric.partition("-")[0], column.metric),
            metric_name=f"{table.title}: {column.full_label}",
            metric_value=float(line["value"]),
            metric_args=_args(line),
        )
        for table, column, line in cells
    ]
    card = ModelCardData(model_name=cells[0][2]["label"], eval_results=results)
    return f"---\n{card.to_yaml()}\n---\n"


def _task_type(line: Line) -> str:
    """The hub's name for the kind of task: a probe classifies, the others compare vectors."""
    return "text-classification" if "probe" in Signature.parse(line["signature"]).protocol else "sentence-similarity"


def _args(line: Line) -> dict[str, object]:
    interval = [float(line[name]) for name in ("ci_low", "ci_high") if line[name]]
    args = {
        "signature": line["signature"],
        "weights": line["weights"],
        "interval_95": interval,
        "std": float(line["std"]) if line["std"] else None,
        "repro_commit": line["commit"],
    }
    return {name: value for name, value in args.items() if value}
