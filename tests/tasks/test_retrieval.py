"""Retrieval: ranks of vectors made by hand, ties among them, the size of an index, what is timed, and Quora's file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from repro.data.pairs import Pairs
from repro.data.readers import read_quora
from repro.errors import ReproError
from repro.evaluation.suite import Suite
from repro.metrics import metric
from repro.published import ledger
from repro.tasks import TASKS
from repro.tasks.retrieval import QUERIES, RUNS, RetrievalScores, SearchTimes

TASK, SEARCH = TASKS["retrieval-quora"], TASKS["search-quora"]
README = "README: Semantic retrieve with FAISS"
MINI = Suite("mini")


def at(degrees: float, length: float = 1) -> list[float]:
    """A vector in that direction."""
    return [length * np.cos(np.deg2rad(degrees)), length * np.sin(np.deg2rad(degrees))]


def mrr(pairs: list[tuple[str, str, str]], directions: dict[str, list[float]]) -> float:
    """Of (query, answer, label), the vectors by sentence."""
    first, second, labels = zip(*pairs, strict=True)
    vectors = np.array(list(directions.values()), np.float32)
    return TASK.score([Pairs("all", first, second, labels=labels)], list(directions), vectors, "x").values["mrr-at-10"]


# degrees of a query and of the index, a to f, in the order of the data; which is right; its rank, counted by hand
@pytest.mark.parametrize(
    ("query", "index", "right", "rank"),
    [
        (0, {"a": 10, "b": 20, "c": 30}, "a", 1),
        (0, {"a": 10, "b": 20, "c": 30}, "b", 2),
        (0, {"a": 10, "b": -5, "c": 30}, "c", 3),
        (0, {"a": 30, "b": 20, "c": 10}, "ab", 2),  # the nearer of two right answers counts
        (0, {"a": 20, "b": 20, "c": 20}, "a", 1),  # of equal cosines that which the data have first comes first
        (0, {"a": 20, "b": 20, "c": 20}, "c", 3),
        (0, {"a": 20, "b": -20, "c": 5}, "b", 3),  # equal on either side
        (0, {"a": -20, "b": 20, "c": 5}, "b", 3),
        (0, {f"{n}": n for n in range(1, 10)} | {"a": 10.5, "b": 11}, "a", 10),
        (0, {f"{n}": n for n in range(1, 10)} | {"a": 10.5, "b": 11}, "b", np.inf),  # eleventh
    ],
)
def test_a_rank_counts_what_is_nearer_and_of_what_is_as_near_what_comes_first(
    query: float, index: dict[str, float], right: str, rank: float
) -> None:
    pairs = [("q", name, "01"[name in right]) for name in index]
    directions = {"q": at(query, 3)} | {name: at(degrees, 1 + degrees % 7) for name, degrees in index.items()}
    assert mrr(pairs, directions) == pytest.approx(1 / rank)


def test_queries_without_a_right_answer_are_left_out_and_their_partners_are_searched() -> None:
    pairs = [("q", "a", "1"), ("r", "b", "0"), ("q", "c", "0"), ("s", "a", "1"), ("s", "a", "1")]
    directions = {"q": at(0), "r": at(1), "s": at(80), "a": at(20), "b": at(5), "c": at(60)}
    assert mrr(pairs, directions) == pytest.approx((1 / 2 + 1 / 2) / 2)  # q: b, a; s: c, a


def test_a_query_that_is_searched_too_finds_itself_and_that_is_no_right_answer() -> None:
    assert mrr([("q", "a", "1"), ("r", "q", "0")], {"q": at(0), "a": at(20), "r": at(90)}) == pytest.approx(1 / 2)


def test_it_is_that_of_every_cosine_sorted() -> None:
    """Brute force over the embedded STS-B: all cosines of each query, ordered, ties by place."""
    task, data = TASKS["retrieval-stsb"], MINI.load("retrieval-stsb")
    sentences = task.sentences(data)
    vectors = np.random.default_rng(3).normal(size=(len(sentences), 5)).astype(np.float32)
    place = {sentence: row for row, sentence in enumerate(sentences)}
    index = list(dict.fromkeys(second for part in data for second in part.second))
    graded = [pair for part in data for pair in zip(part.first, part.second, part.gold, strict=True)]
    ranks = []
    for query in dict.fromkeys(first for first, _, gold in graded if gold >= 4):
        wanted = {second for first, second, gold in graded if first == query and gold >= 4}
        q, rows = vectors[place[query]].astype(float), vectors[[place[s] for s in index]].astype(float)
        cosines = rows @ q / np.linalg.norm(rows, axis=1) / np.linalg.norm(q)
        order = np.argsort(-cosines.round(9), kind="stable")
        ranks.append(1 + next(rank for rank, row in enumerate(order) if index[row] in wanted))
    expected = np.mean([1 / rank if rank <= 10 else 0 for rank in ranks])
    scores = task.score(data, sentences, vectors, "x")
    assert 0 < scores.values["mrr-at-10"] == pytest.approx(expected)
    assert scores.values["index-gb"] == pytest.approx(len(index) * 5 * 4 / 2**30)
    assert task.restore(data, scores.items("mrr-at-10")).values == scores.values


# the README cuts what is beyond the fourth decimal
@pytest.mark.parametrize(
    ("system", "dimensions"),
    [
        ("BERTbase-first_last_avg", 768),
        ("BERTbase-whiten(nli)", 768),
        ("BERTbase-whiten-256(nli)", 256),
        ("BERTbase-whiten-256(target)", 256),
        ("BERTlarge-first_last_avg", 1024),
        ("BERTlarge-whiten-384(nli)", 384),
    ],
)
def test_the_memory_of_an_index_is_the_readmes(system: str, dimensions: int) -> None:
    numbers = ledger.numbers()
    (count,) = numbers["whitening", "README text", "FAISS index", "", "Quora Duplicate Questions"]
    (printed,) = (
        found
        for found in numbers["whitening", README, system, "", "Quora Duplicate Questions"]
        if found.metric == "memory usage (GB)"
    )
    scores = RetrievalScores(np.ones(1), np.array([int(count.value), dimensions]))
    assert int(1e4 * scores.values["index-gb"]) / 1e4 == printed.value


def test_the_same_queries_are_timed_each_run_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from repro.tasks import retrieval

    asked: list[tuple[int, int, int]] = []
    monkeypatch.setattr(
        retrieval, "largest_products", lambda q, v, k: asked.append((len(q), len(v), torch.get_num_threads()))
    )
    pairs = [Pairs("all", tuple(f"q{n}" for n in range(1200)), tuple("ab" * 600), labels=("0",) * 1200)]
    sentences, threads = SEARCH.sentences(pairs), torch.get_num_threads()
    scores = SEARCH.score(pairs, sentences, np.ones((len(sentences), 2), np.float32), "x")
    assert asked == [(QUERIES, 2, 1)] * (1 + RUNS)
    assert torch.get_num_threads() == threads
    assert len(scores.items("search-milliseconds")[0]) == RUNS
    assert SEARCH.restore(pairs, scores.items("search-milliseconds")).values == scores.values


def test_the_median_of_the_runs_is_reported() -> None:
    assert SearchTimes(np.array([0.2, 9.0, 0.1, 0.3, 0.25])).values == {"search-milliseconds": 0.25}
    assert (metric("search-milliseconds").of_machine, metric("mrr-at-10").of_machine) == (True, False)


def test_a_map_of_the_target_is_fitted_on_queries_and_index() -> None:
    assert {name: TASKS[name].target for name in ("retrieval-stsb", "search-stsb")} == dict.fromkeys(
        ("retrieval-stsb", "search-stsb"), "stsb-all"
    )
    assert TASK.target == SEARCH.target == "retrieval-quora"


def test_signatures_say_that_the_search_is_exact() -> None:
    assert TASKS["retrieval-stsb"].protocol("mrr-at-10") == {
        **{"metric": "mrr-at-10", "index": "second", "text": "raw"},
        **{"sim": "cos", "search": "exact", "right": "gold>=4"},
    }
    assert TASK.protocol("mrr-at-10")["right"] == "duplicate"
    assert SEARCH.protocol("search-milliseconds")["search"] == "exact"


def test_data_without_a_right_answer_are_refused() -> None:
    with pytest.raises(ReproError, match="QUORA: none of its pairs is a right answer; raise --limit"):
        mrr([("q", "a", "0")], {"q": at(0), "a": at(1)})


HEADER = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"


def test_quoras_file_has_quoted_and_empty_questions(tmp_path: Path) -> None:
    path = tmp_path / "quora_duplicate_questions.tsv"
    lines = '0\t1\t2\t"What is ""X""?"\tWhat\'s X, then?\t1\n1\t3\t4\t"Two\nlines?"\t\t0\n'
    path.write_text(HEADER + lines, encoding="utf-8")
    found = read_quora(path)
    assert found.first == ('What is "X"?', "Two\nlines?")
    assert (found.second, found.labels) == (("What's X, then?", " "), ("1", "0"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + "0\t1\t2\ta\tb\t2\n", r"questions\.tsv: line 2 has the label '2', expected one of 0, 1"),
        (HEADER + "0\t1\t2\ta\tb\t1\tc\n", "line 2 has more cells than the header; quote its tabs"),
        ("a\tb\n", "has no column 'question1'; it needs question1, question2, is_duplicate"),
    ],
)
def test_what_is_wrong_in_quoras_file_is_named(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "questions.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReproError, match=message):
        read_quora(path)
