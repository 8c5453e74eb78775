"""The ledger: printed averages recomputed, published numbers found, verdicts two-sided."""

from collections import defaultdict
from dataclasses import replace

import pytest

from repro import tables
from repro.evaluation.systems import Quoted
from repro.published import ledger
from repro.tables.columns import TRANSFER_IN_LEDGER
from repro.tables.sbert_65h_closest_pair import HEADLINE
from repro.tables.spec import Column, Ref, Row
from repro.tables.whitening_r1_retrieval import README

SBERT_1 = tables.get("sbert-1")
MINILM = next(row for row in SBERT_1.rows if row.slug == "all-minilm-l6-v2")
STS12 = next(column for column in SBERT_1.scored() if column.slug == "sts12")

# Rows whose printed average is not the mean of the printed cells: errata 3 and 5 of errata.csv
PAPER_INTERNAL = {
    ("sbert", "Table 1", "SBERT-NLI-base"): 74.857,
    ("simcse", "Table E.1", "Avg. BERT embeddings"): 84.954,
}


def printed_averages() -> list[tuple[tuple[str, str, str], float, list[float]]]:
    rows: dict[tuple[str, str, str, str], dict[str, float]] = defaultdict(dict)
    paths = [*ledger.FOLDER.glob("sbert2019_table[15]_*.csv"), ledger.FOLDER / "simcse2021_tableE1_transfer.csv"]
    for path in sorted(paths):
        for line in ledger.read_csv(path):
            rows[line["paper"], line["table"], line["system"], line["system_group"]][line["task"]] = float(
                line["value"]
            )
    return [(key[:3], cells.pop("Avg."), list(cells.values())) for key, cells in rows.items()]


@pytest.mark.parametrize(("key", "average", "cells"), printed_averages(), ids=lambda value: str(value)[:50])
def test_printed_averages(key: tuple[str, str, str], average: float, cells: list[float]) -> None:
    assert len(cells) == 7
    expected = PAPER_INTERNAL.get(key, average)
    assert sum(cells) / 7 == pytest.approx(expected, abs=0.0051)  # half a unit of the second decimal


def test_all_seven_tables_and_mteb_are_there() -> None:
    found = {(paper, table) for paper, table, *_ in ledger.numbers()}
    assert {("sbert", f"Table {number}") for number in range(1, 8)} <= found
    assert {("mteb", "result JSON"), ("simcse", "Table E.1")} <= found


# (table, row, column, published): the SBERT paper's tables; sentence-transformers#621 and documentation; MTEB's results
NUMBERS = [
    ("sbert-1", "glove-avg", "sts12", 55.14),
    ("sbert-1", "bert-base-cls-service", "sts16", 38.08),
    ("sbert-1", "sroberta-nli-large", "avg", 76.68),
    ("sbert-1", "use", "sickr", 76.69),
    ("sbert-1", "bert-base-avg", "sts14", 47.73),
    ("sbert-1", "bert-base-avg", "stsb", 47.29),
    ("sbert-1", "all-minilm-l6-v2", "sts12", 72.369),
    ("sbert-1", "all-minilm-l6-v2", "sickr-all", 77.582),
    ("sbert-1", "all-minilm-l6-v2", "sickr", None),  # MTEB scores all 9,927 pairs: another protocol
    ("sbert-1", "glove-avg", "sickr-all", None),
    ("sbert-2", "glove-avg", "stsb", 58.02),
    ("sbert-2", "bert-stsb-base", "stsb", 84.30),
    ("sbert-2", "sroberta-nli-stsb-large", "stsb", 86.15),
    ("sbert-2", "sbert-nli-stsb-base-released", "stsb", 85.14),
    ("sbert-2", "sbert-stsb-base", "stsb-dev", None),
    ("sbert-2", "minilm-stsb", "stsb", None),
    ("sbert-3", "tf-idf", "afs-topics-pearson", 46.77),
    ("sbert-3", "glove-avg", "afs-topics-spearman", 34.00),
    ("sbert-3", "svr", "afs-10fold-pearson", 63.33),
    ("sbert-3", "svr", "afs-10fold-spearman", None),  # printed as a dash
    ("sbert-3", "bert-afs-large", "afs-10fold-spearman", 76.38),
    ("sbert-3", "sbert-afs-base", "afs-10fold-pearson", 76.57),
    ("sbert-3", "sbert-afs-base", "afs-topics-pearson", 52.34),
    ("sbert-3", "sbert-afs-base", "bws-topics-pearson", None),  # another corpus
    ("sbert-4", "mean-vectors", "wikisec", 65.0),  # printed as 0.65
    ("sbert-4", "sbert-wikisec-base", "wikisec", 80.42),
    ("sbert-4", "sroberta-wikisec-large", "wikisec", 79.73),
    ("sbert-5", "glove-840b-bow", "mr-adam", 77.25),
    ("sbert-5", "fasttext-bow", "mrpc-adam", 74.49),
    ("sbert-5", "bert-base-avg-service", "mrpc-adam", 69.45),
    ("sbert-5", "infersent", "trec-adam", 88.2),
    ("sbert-5", "sbert-nli-large", "avg-adam", 87.69),
    ("sbert-5", "sbert-nli-large", "mr", None),  # the exact probe and dev accuracy are not what the paper prints
    ("sbert-5", "sbert-nli-large", "avg", None),
    ("sbert-5", "sbert-nli-large", "mr-adam-dev", None),
    ("sbert-6", "mean", "nli", 80.78),
    ("sbert-6", "max", "stsb", 69.92),
    ("sbert-6", "u,v", "nli", 66.04),
    ("sbert-6", "u,v,diff,prod", "nli", 80.44),
    ("sbert-6", "u,v", "stsb", None),  # printed as a dash
    ("sbert-6", "mean", "nli-test", None),
    ("sbert-7", "random-bert-base-smart", "cpu", 83.0),
    ("sbert-7", "glove-avg", "gpu", None),  # printed as a dash
    ("whitening-1", "bert-base-first-last-avg", "sts12", 57.86),  # the anchor of PROTOCOLS: layers 1 and 12, wmean
    ("whitening-1", "bert-base-first-last-avg-li", "sts12", 57.84),
    ("whitening-1", "bert-base-first-last-avg", "sts12-all", None),  # another protocol
    ("whitening-1", "glove-avg", "sts12-all", 55.14),
    ("whitening-1", "glove-avg", "sts12", None),
    ("whitening-1", "bert-large-whitening-384-target", "stsb", 72.48),
    ("whitening-2", "sbert-nli-base-whitening-256-nli", "sickr", 76.44),
    ("whitening-r1", "bert-base-whitening-256-nli", "quora-mrr", 0.5616),
    ("whitening-r1", "bert-large-whitening-384-target", "quora-ms", 0.3301),
    ("whitening-r1", "bert-large-first-last-avg", "quora-gb", 1.1419),
    ("whitening-r1", "bert-base-first-last-avg", "stsb-mrr", None),  # other data
    ("flow-1", "bert-base-token-embeddings", "word-norm-10k", 1.45),
    ("flow-1", "bert-base-token-embeddings", "word-product-3-500", 0.92),
    ("flow-1", "bert-base-token-embeddings", "word-norm-100-stsb", None),  # another corpus
    ("flow-2", "bert-base-avg", "stsb", 47.29),
    ("flow-2", "bert-base-flow-target", "stsb", 70.72),
    ("flow-3", "sbert-nli-large-flow-nli", "sickr", 77.73),
    ("flow-3", "sbert-nli-base-own", "sts12", 66.23),
    ("flow-4", "sbert-nli-large-flow-target", "qnli", 77.09),
    ("flow-5", "bert-base-avg-sn-natsv-6", "stsb", 63.51),
    ("flow-5", "bert-base-avg-flow-target", "stsb", 65.62),  # 70.72 in Table 2, over other layers
    ("flow-5", "bert-base-avg-centred-natsv-1", "stsb", None),
    ("flow-6", "gold", "edit-dev", -24.61),
    ("flow-6", "bert-base-flow-target", "gold-dev", 74.09),
    ("flow-6", "gold", "edit", None),  # of the test set
    ("flow-8", "bert-nli-large-flow", "mean", 81.10),
    ("flow-8", "bert-nli-large-flow", "median", 81.35),
    ("simcse-5", "bert-base-embedding-last-avg", "sts12", 39.70),
    ("simcse-5", "bert-base-first-last-avg", "sts12", 45.09),
    ("simcse-5", "unsup-simcse-bert-base", "avg", 76.25),
    ("simcse-5", "sup-simcse-bert-base", "avg", 81.57),
    ("simcse-5", "bert-base-flow3-nli", "stsb", 68.66),
    ("simcse-5", "glove-avg", "sts12", 55.14),
    ("simcse-6", "mlp-train", "unsup", 82.5),
    ("simcse-6", "mlp", "sup", 86.2),
    ("simcse-6", "mlp", "sup-test", None),
    ("simcse-1", "crop-30", "dev", 63.6),
    ("simcse-1", "delete-one-no-dropout", "dev", 74.2),
    ("simcse-2", "next3", "one", 67.4),
    ("simcse-2", "none", "two", 80.7),
    ("simcse-3", "fixed", "dev", 43.6),
    ("simcse-4", "paranmt", "sample", 79.7),
    ("simcse-4", "hard", "sample", None),
    ("simcse-4", "dual", "full", 84.2),
    ("simcse-7", "neutral-too", "dev", 85.3),
    ("simcse-b3", "sup-simcse-bert-base", "sts13-wmean", 81.49),
    ("simcse-b3", "bert-base-flow-nli", "sts12-all", None),
    ("simcse-c1", "sbert-nli-base-whitening-target", "sts12", 52.91),
    ("simcse-d1", "dot", "dev", 85.9),
    ("simcse-d2", "mlm-0.1", "avg-adam-dev", 86.2),
    ("simcse-b2", "sbert-nli-base", "sts12-all", 70.97),
    ("simcse-b2", "sbert-nli-base", "sts12-wmean", 66.35),
    ("simcse-b2", "sbert-nli-base", "sts12-mean", None),
    ("simcse-b2", "sbert-nli-base", "side-all", 74.85),
    ("simcse-b2", "sbert-nli-base", "side-wmean", 73.55),
    ("simcse-b2", "sbert-nli-base", "side-mean", None),
    ("simcse-b2", "sbert-quoted", "side-all", 74.89),
    ("simcse-b2", "bert-base-whitening-target", "sts12-all", 42.88),
    ("simcse-b2", "bert-base-whitening-target", "sts12-wmean", 63.38),
    ("simcse-e1", "sup-simcse-bert-base", "mr-adam", 82.69),
    ("simcse-e1", "glove-840b-bow", "trec-adam", 83.0),
    ("simcse-e1", "unsup-simcse-bert-base", "mr-adam", 81.18),
    ("senteval-3", "infersent-1", "sicke-adam", 86.1),
    ("senteval-3", "infersent-2", "sickr-regressor", 88.8),  # printed as 0.888
    ("senteval-3", "skip-thought", "stsb-regressor-spearman", 70.2),
    ("senteval-3", "fasttext-bow", "stsb-regressor", 70.2),
    ("senteval-3", "fasttext-bow", "stsb-cosine", None),  # the other protocol
    ("senteval-3", "glove-840b-bow", "stsb-regressor", 64.74),
    ("senteval-3", "glove-840b-bow", "stsb-cosine", 41.5),
    ("senteval-3", "glove-840b-bow", "sicke-adam", None),  # the paper's, known from memory alone
    ("senteval-3", "infersent-1", "snli-adam", None),
]
STD = [("bert-stsb-base", 0.76), ("sbert-stsb-base", 0.19), ("sbert-nli-base", None)]  # Table 2, over ten seeds


@pytest.mark.parametrize(("table", "slug", "column", "expected"), NUMBERS)
def test_published_numbers(table: str, slug: str, column: str, expected: float | None) -> None:
    row = next(row for row in tables.get(table).rows if row.slug == slug)
    found = ledger.published(row.published, column)
    assert (found and found.value) == (expected if expected is None else pytest.approx(expected, abs=5e-4))


@pytest.mark.parametrize("paper", ["sbert", "flow", "whitening", "simcse"])
def test_no_table_of_the_ledgers_files_is_left_out(paper: str) -> None:
    """None of the four papers', nor the one that BERT-whitening's README alone prints."""
    lines = [line for path in ledger.FOLDER.glob("*.csv") for line in ledger.read_csv(path)]
    printed = {line["table"] for line in lines if line.get("paper") == paper and "metric" in line}
    printed = {name for name in printed if name.startswith("Table ") or "FAISS" in name}
    references = [row.published for table in tables.TABLES.values() for row in table.rows if row.published]
    shown = {reference.table for reference in references if reference.paper == paper}
    shown |= {table.source[1] for table in tables.FACTS.values() if table.source[0] == paper}
    assert printed
    assert printed <= shown


@pytest.mark.parametrize(("slug", "std"), STD)
def test_published_spreads(slug: str, std: float | None) -> None:
    row = next(row for row in tables.get("sbert-2").rows if row.slug == slug)
    found = ledger.published(row.published, "stsb")
    assert found is not None
    assert found.std == std


@pytest.mark.parametrize("name", tables.TABLES)
def test_every_published_number_of_the_table_stands_in_a_cell(name: str) -> None:
    """None of the paper's rows is dropped: what the ledger has for the table is what its cells show."""
    table = tables.get(name)
    if name == "whitening-f2":  # a figure, of which no number is printed
        assert not any(row.published for row in table.rows)
        return
    paper, _, number = name.partition("-")
    printed = f"Table {number if number.isdigit() else f'{number[0].upper()}.{number[1]}'}"
    if name == "sbert-65h":  # a sentence of the text, which says other things too
        printed = "text"
    if name == "whitening-r1":
        printed = README
    if name == "senteval-3":  # of InferSent's README; its other tasks are those of sbert-5
        printed = "README table"
    held = {
        (key[2], key[4], item.metric, item.value)
        for key, items in ledger.numbers().items()
        for item in items
        if key[:2] == (paper, printed)
        and (printed != "text" or (key[4] == HEADLINE and item.metric != "inference computations"))
        and (printed != "README table" or key[4] in ("SICK Entailment", "SICK Relatedness", "STS Benchmark"))
    }
    shown = set()
    for row in table.rows:
        if row.published and (row.published.paper, row.published.table) == (paper, printed):
            for column in table.columns:
                where = row.published.columns.get(column.slug)
                verdict = ledger.judge(table, row, column, None, (), "")
                found = ledger.published(row.published, column.slug)
                if where and found and verdict.published is not None:
                    system = row.published.system.replace("{}", where.protocol)
                    shown.add((system, where.task, found.metric, found.value))
    assert held
    assert held == shown


def test_simcse_transfer_numbers() -> None:
    # SimCSE Table E.1, which quotes this cell of SBERT's Table 5 with two digits swapped (erratum 5)
    ref = Ref("simcse", "Table E.1", "Avg. BERT embeddings", columns=TRANSFER_IN_LEDGER)
    quoted = ledger.published(ref, "mrpc-adam")
    assert quoted is not None
    assert quoted.value == 69.54


def test_every_paper_row_has_all_its_numbers() -> None:
    for row in SBERT_1.rows[:9]:
        for column in SBERT_1.columns:
            if column.slug != "sickr-all":
                assert ledger.published(row.published, column.slug) is not None, (row.slug, column.slug)


def test_recorded_deviations_name_cells_that_exist() -> None:
    for line in ledger.read_csv(ledger.FOLDER / "deviations.csv"):
        table = tables.get(line["table"])
        assert line["row"] in {row.slug for row in table.rows}
        assert line["column"] in {"*", *(column.slug for column in table.columns)}


def test_a_recorded_deviation_gives_the_number_that_another_run_found() -> None:
    """The numbers in the reasons are those of the ledger's own lines of these runs."""
    glove, released = "sentence-transformers/average_word_embeddings_glove.6B.300d", "nli-bert-base (released)"
    mteb = {f"sts{year}": f"STS{year}" for year in range(12, 17)} | {"stsb": "STSBenchmark"}
    seen = set()
    for line in ledger.read_csv(ledger.FOLDER / "deviations.csv"):
        task = line["column"].removesuffix("-all").removesuffix("-adam")
        if line["row"] == "glove-avg" and task in mteb:
            runs = ledger.numbers()["mteb", "result JSON", glove, "", mteb[task]]
            (value,) = (run.value for run in runs if run.metric == "cosine_spearman")
        elif line["row"] == "sbert-nli-base" and line["table"] in ("sbert-5", "simcse-e1"):
            name = "Avg." if task == "avg" else task.upper()
            (run,) = ledger.numbers()["third-party", "issue / JSON", released, "", name]
            value = run.value
        else:
            continue
        seen.add((line["table"], line["row"]))
        assert f" {value:.2f} " in line["reason"]
    assert {table for table, row in seen if row == "glove-avg"} == {
        "sbert-1",
        "sbert-2",
        "simcse-5",
        "whitening-1",
        "flow-2",
    }
    assert {table for table, row in seen if row == "sbert-nli-base"} == {"sbert-5", "simcse-e1"}


def test_every_row_of_averaged_glove_has_a_reason_to_deviate() -> None:
    for table in tables.TABLES.values():
        if table.id in ("sbert-7", "sbert-65h"):  # speed has no verdict
            continue
        if "glove-avg" in {row.slug for row in table.rows}:
            assert ledger.deviation_reason(table.id, "glove-avg", "*"), table.id


def test_each_row_of_the_zoo_has_its_recovered_recipe() -> None:
    for row in SBERT_1.rows[:9]:
        found = ledger.recovered(row)
        assert (found and found["recipe"]) == (row.slug if row.system.bases() else None)
    assert ledger.recovered(MINILM) is None


def test_a_number_of_another_protocol_stands_beside_and_is_no_target() -> None:
    table = tables.get("whitening-r1")
    row = next(row for row in table.rows if row.slug == "bert-base-whitening-nli")
    mrr, milliseconds, memory, *_ = table.columns
    found = ledger.judge(table, row, mrr, 0.5571, (), "")
    assert (found.verdict, found.published, found.delta, found.tolerance) == ("other-protocol", 0.5571, None, None)
    assert "approximate search (FAISS IVF, nlist 1024, nprobe 5)" in found.reason
    assert ledger.judge(table, row, memory, 0.8564, (), "").verdict == "other-protocol"
    assert ledger.judge(table, row, milliseconds, 0.9735, (), "").verdict == "other-hardware"
    assert ledger.judge(table, row, mrr, None, (), "no data").verdict == "not-run"


def test_a_row_without_published_numbers_has_none() -> None:
    assert ledger.published(None, "sts12") is None
    row = Row("x", "x", "g", Quoted(), replace(MINILM.published, system="nobody"))  # type: ignore[type-var]
    assert ledger.judge(SBERT_1, row, Column("sts12", "STS12", "sts12"), 50.0, (), "").verdict == "no-published"
