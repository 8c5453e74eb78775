"""Readers of labelled files: what a wrong label says, SimCSE's empty cells, and which SUBJ file is class 1."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from repro.data import readers, registry
from repro.data.convert import NLI_HEADER
from repro.errors import ReproError

HEADER = "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n"
TOPICS = "topic,sentence_1,sentence_2,regression_label\n"
FACETS = "regression_label,sentence_1,sentence_2\n"


@pytest.mark.parametrize(
    ("reader", "content", "message"),
    [
        *(
            (readers.read_sst, f"good\t1\nbad\t{label}\n", rf"line 2 has the label '{label}', expected one of 0, 1")
            for label in ("2", "-1", "0.5", "", "positive", "01")
        ),
        *(
            (readers.read_mrpc, f"{HEADER}1\ta\tb\tc\td\n{label}\ta\tb\tc\td\n", rf"line 3 has the label '{label}'")
            for label in ("2", "", "01", "yes")
        ),
        (readers.read_trec, "HUM:ind Who ?\nTIME:date When ?\n", r"line 2 has the label 'TIME', .* ABBR, DESC, ENTY"),
        (readers.read_trec, "HUM:ind Who ?\nhum:ind Who ?\n", r"line 2 has the label 'hum'"),
        (readers.read_nli, f"{NLI_HEADER}\na\tb\tc\td\te\t-\n", r"line 2 has the label '-', expected one of contrad"),
        (readers.read_facets, f"{FACETS}3,a,b\n7,a,b\n", r"line 3 has the gold score '7', .* from 0 to 5"),
        (readers.read_facets, f"{FACETS}nan,a,b\n", r"line 2 has the gold score 'nan'"),
        (readers.read_bws, f"{TOPICS}t,a,b,1.5\n", r"line 2 has the gold score '1.5', expected a number from 0 to 1"),
        (readers.read_bws, f'{TOPICS}t,"a\nb",c,inf\n', r"line 3 has the gold score 'inf'"),
        (readers.read_triplets, "Sentence1,Sentence2,Sentence3\na,,c\n", r"line 2 has an empty Sentence2"),
        (readers.read_triplets, "Sentence1,Sentence2,Sentence3\na,b\n", r"line 2 has an empty Sentence3"),
        (readers.read_triplets, "Sentence1,Sentence2,Sentence3\na,b,c,d\n", r"line 2 has more cells than the header"),
        (readers.read_triplets, f"Sentence1,Sentence2,Sentence3\na,b,{'c' * 200_000}\n", r"line 2 is not comma-sep"),
        (readers.read_triplets, "Sentence1,Sentence2,Sentence3\na\rb,c,d\n", r"line 2 is not comma-separated text"),
    ],
)
def test_a_wrong_label_or_cell_names_file_and_line(
    reader: Callable[[Path], object], content: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "own-file"
    path.write_bytes(content.encode())
    with pytest.raises(ReproError, match=rf"own-file:? {message}") as caught:
        reader(path)
    assert "\n" not in str(caught.value)


def test_simcses_cells_without_a_sentence_are_a_blank_as_its_training_reads_them(tmp_path: Path) -> None:
    from datasets import Dataset

    cells = ["", "n/a", "None", "NULL", "nan", "<NA>", "-1.#IND", "none", " ", "N/A .", "a b"]
    rows = [(cell, f"entailed {i}", cells[-1 - i]) for i, cell in enumerate(cells)]
    path = tmp_path / "nli_for_simcse.csv"
    path.write_text("sent0,sent1,hard_neg\n" + "".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    # what SimCSE's train.py does: the csv reader of Hugging Face's data sets, then " " in place of None (@49fa580)
    theirs = Dataset.from_csv(str(path), cache_dir=str(tmp_path / "cache"))
    columns = [[" " if cell is None else cell for cell in theirs[name]] for name in ("sent0", "sent1", "hard_neg")]
    found = readers.read_simcse_triplets(path)
    assert [found.first, found.second, found.third] == [tuple(column) for column in columns]
    assert readers.without_sentence([found.first, found.second, found.third]) == 16
    assert readers.without_sentence([found.first[-1:], found.third[-1:]]) == 1


def test_objective_sentences_are_class_1() -> None:
    # SentEval subj.py: BinaryClassifierEval("SUBJ", pos=subj.objective, neg=subj.subjective)
    for suite in ("paper", "mini"):
        by_file = {source.path.name: source.reader for source in registry.dataset("SUBJ", suite).contents}
        assert by_file == {"subj.objective": "sentences-of-1", "subj.subjective": "sentences-of-0"}
