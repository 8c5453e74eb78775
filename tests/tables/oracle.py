"""What the numbers of the tables should be, computed plainly: one sentence at a time, transformers, NumPy and SciPy.

Nothing here uses the package that is tested. Files are read from the hub's folder and from the data folder.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from nltk.metrics.distance import edit_distance
from nltk.tokenize.treebank import TreebankWordTokenizer
from scipy.stats import spearmanr
from sentence_transformers.sentence_transformer.modules.tokenizer import WhitespaceTokenizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from transformers import AutoModel, AutoTokenizer

Pair = tuple[str, str, float]
Encode = Callable[[Sequence[str]], np.ndarray]
STS12 = ("MSRpar", "MSRvid", "SMTeuroparl", "surprise.OnWN", "surprise.SMTnews")


@dataclass(frozen=True)
class Oracle:
    """Reads the models of a hub's folder and the data of a data folder."""

    hub: Path
    data: Path

    def encoder(
        self,
        repo: str,
        pool: str,
        layers: tuple[int, ...] = (-1,),
        length: int | None = None,
        inner: str = "",
        lower: bool = False,
    ) -> Encode:
        """Vectors of a transformer: `cls`, `mean` or `pooler` of the mean of some layers, one sentence at a time."""
        return _encoder(self.hub / "models" / repo / inner, pool, layers, length, lower)

    def words(self, name: str, lower: bool = False, sbert: bool = False) -> Encode:
        """Averaged word vectors of the tokens between blanks, or of Sentence-BERT's tokens."""
        lines = (self.data / "vectors" / name).read_text(encoding="utf-8").splitlines()
        cells = [line.split(" ") for line in lines if line.count(" ") == 300]
        words, table = [word for word, *_ in cells], np.array([row for _, *row in cells], float)  # (words, 300)
        place = {word: number for number, word in enumerate(words)}
        tokenizer = WhitespaceTokenizer(words)

        def encode(sentences: Sequence[str]) -> np.ndarray:
            rows = []
            for sentence in sentences:
                tokens = (sentence.lower() if lower else sentence).split()
                known = tokenizer.tokenize(sentence) if sbert else [place[token] for token in tokens if token in place]
                rows.append(table[known].mean(0) if known else np.zeros(300))
            return np.stack(rows)

        return encode

    def stsb(self, split: str = "test", senteval: bool = False) -> list[Pair]:
        """Pairs of the STS benchmark and their gold scores; as SentEval has them, in lower-cased Moses tokens."""
        cells = [line.split("\t") for line in self._lines(f"downstream/STS/STSBenchmark/sts-{split}.csv")]
        form = _moses if senteval else str
        return [(form(row[5]), form(row[6]), float(row[4])) for row in cells]

    def sts12(self) -> list[list[Pair]]:
        """The pairs of each subset."""
        subsets = []
        for name in STS12:
            pairs = self._lines(f"downstream/STS/STS12-en-test/STS.input.{name}.txt")
            golds = self._lines(f"downstream/STS/STS12-en-test/STS.gs.{name}.txt")
            rows = [(*pair.split("\t"), gold) for pair, gold in zip(pairs, golds, strict=True)]
            subsets.append([(" ".join(a.split()), " ".join(b.split()), float(gold)) for a, b, gold in rows if gold])
        return subsets

    def sick(self) -> list[Pair]:
        """SICK's test pairs, tokens joined with one blank."""
        cells = [line.split("\t") for line in self._lines("downstream/SICK/SICK_test_annotated.txt")[1:]]
        return [(" ".join(row[1].split()), " ".join(row[2].split()), float(row[3])) for row in cells]

    def judged(self, split: str) -> tuple[list[tuple[str, str]], np.ndarray]:
        """SICK's pairs of a split for a model without capitals, in lower-cased Moses tokens, and their judgements."""
        cells = [line.split("\t") for line in self._lines(f"downstream/SICK/SICK_{split}.txt")[1:]]
        return [(_moses(row[1]), _moses(row[2])) for row in cells], np.array([row[4] for row in cells])

    def qnli(self, split: str) -> list[tuple[str, str, bool]]:
        """Questions, sentences, and whether these answer them."""
        cells = [line.split("\t") for line in self._lines(f"qnli/{split}.tsv")[1:]]
        return [(row[1], row[2], row[3] == "entailment") for row in cells]

    def quora(self) -> list[Pair]:
        """Quora's questions, and 5 for duplicates, 0 for others."""
        cells = [line.split("\t") for line in self._lines("quora/quora_duplicate_questions.tsv")[1:]]
        return [(row[3], row[4], 5.0 * int(row[5])) for row in cells]

    def sst(self, split: str) -> tuple[list[str], np.ndarray]:
        """Sentences and labels of a split."""
        cells = [line.split("\t") for line in self._lines(f"downstream/SST/binary/sentiment-{split}")]
        return [" ".join(row[0].split()) for row in cells], np.array([int(row[1]) for row in cells])

    def nli(self) -> list[tuple[str, str, int]]:
        """SNLI's and MultiNLI's labelled pairs."""
        files = ("stanfordnlp/snli/plain_text", "nyu-mll/multi_nli/data")
        tables = [pq.read_table(self.hub / "datasets" / name / "train-00000-of-00001.parquet") for name in files]
        rows = [tuple(row.values()) for table in tables for row in table.to_pylist() if row["label"] >= 0]
        return rows  # type: ignore[return-value]

    def sections(self, split: str) -> list[tuple[str, str, str]]:
        """Triplets of Wikipedia sections."""
        folder = self.hub / "datasets/sentence-transformers/wikipedia-sections/triplet"
        tables = [pq.read_table(path) for path in sorted(folder.glob(f"{split}-*.parquet"))]
        return [(row["anchor"], row["positive"], row["negative"]) for table in tables for row in table.to_pylist()]

    def wiki(self) -> list[str]:
        """SimCSE's sentences."""
        path = self.hub / "datasets/princeton-nlp/datasets-for-simcse/wiki1m_for_simcse.txt"
        return path.read_text(encoding="utf-8").splitlines()

    def wiki_sample(self) -> list[str]:
        """The sample of SimCSE's sentences."""
        return self._lines("wiki-sample/wiki.txt")

    def by_rank(self, repo: str, text: Sequence[str], last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(norms (n,), distances to all others (n, V − 1), dot products with them) of a model's words to that rank."""
        folder = self.hub / "models" / repo
        tokenizer = AutoTokenizer.from_pretrained(folder)
        table = AutoModel.from_pretrained(folder, dtype=torch.float32).get_input_embeddings().weight.detach().numpy()
        counted = Counter(i for sentence in text for i in tokenizer(sentence, add_special_tokens=False).input_ids)
        for special in tokenizer.all_special_ids:  # an unknown word is no word
            counted.pop(special, None)
        ranked = sorted(counted, key=lambda word: (-counted[word], word))[: last + 1]
        others = [np.delete(np.arange(len(table)), word) for word in ranked]
        distances = np.array(
            [np.linalg.norm(table[rows] - table[word], axis=1) for word, rows in zip(ranked, others, strict=True)]
        )
        products = np.array([table[rows] @ table[word] for word, rows in zip(ranked, others, strict=True)])
        return np.linalg.norm(table[ranked], axis=1), np.sort(distances, axis=1), -np.sort(-products, axis=1)

    def triplets(self) -> list[tuple[str, ...]]:
        """SimCSE's triplets; an empty cell is a blank."""
        path = self.hub / "datasets/princeton-nlp/datasets-for-simcse/nli_for_simcse.csv"
        with path.open(encoding="utf-8", newline="") as file:
            return [tuple(cell or " " for cell in row) for row in list(csv.reader(file))[1:]]

    def _lines(self, name: str) -> list[str]:
        return (self.data / name).read_text(encoding="utf-8").split("\n")[:-1]


@cache
def _encoder(folder: Path, pool: str, layers: tuple[int, ...], length: int | None, lower: bool) -> Encode:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    cut = {"truncation": True, "max_length": length} if length else {}

    @cache
    @torch.inference_mode()
    def vector(sentence: str) -> np.ndarray:
        text = sentence.lower() if lower else sentence
        output = model(**tokenizer(text, return_tensors="pt", **cut), output_hidden_states=True)
        hidden = torch.stack([output.hidden_states[layer] for layer in layers]).mean(0)[0]  # (T, d)
        row = {"cls": hidden[0], "mean": hidden.mean(0), "pooler": output.pooler_output[0]}[pool]
        return np.asarray(row.double())

    return lambda sentences: np.stack([vector(sentence) for sentence in sentences])


def _moses(text: str) -> str:
    """Lower-cased Moses tokens of such text as the tests' own: a mark at the end and a possessive stand alone."""
    return " ".join(re.sub(r"([.!?])$", r" \1", re.sub(r"'s\b", " 's", text.lower())).split())


def rho(encode: Encode, pairs: Sequence[Pair]) -> float:
    """Spearman's ρ × 100 of cosines and gold scores; cosines that are equal but for rounding are equal."""
    first, second = (encode([pair[side] for pair in pairs]) for side in (0, 1))  # type: ignore[misc]
    with np.errstate(invalid="ignore"):
        cosines = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    return correlation(np.nan_to_num(cosines), pairs)


def correlation(similarities: np.ndarray, pairs: Sequence[Pair]) -> float:
    """Spearman's ρ × 100 of similarities and gold scores."""
    return 100 * float(spearmanr(similarities.round(10), [gold for *_, gold in pairs]).statistic)


def auc(encode: Encode, pairs: Sequence[tuple[str, str, bool]]) -> float:
    """The area under the ROC curve × 100 of the cosines of pairs."""
    first, second = (encode([pair[side] for pair in pairs]) for side in (0, 1))  # type: ignore[misc]
    cosines = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    return 100 * float(roc_auc_score([answered for *_, answered in pairs], cosines.round(10)))


def mrr(encode: Encode, pairs: Sequence[Pair]) -> float:
    """MRR@10 of all cosines sorted: pairs with a gold score from 4 are right; of equal ones the first comes first."""
    index = list(dict.fromkeys(second for _, second, _ in pairs))
    queries = list(dict.fromkeys(first for first, _, gold in pairs if gold >= 4))
    vectors, asked = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in map(encode, (index, queries)))
    inverse = []
    for query, cosines in zip(queries, (asked @ vectors.T).round(9), strict=True):
        right = {second for first, second, gold in pairs if first == query and gold >= 4}
        found = [index[place] in right for place in np.argsort(-cosines, kind="stable")[:10]]
        inverse.append(1 / (found.index(True) + 1) if any(found) else 0)
    return float(np.mean(inverse))


def lexical(pairs: Sequence[Pair]) -> tuple[np.ndarray, list[Pair]]:
    """(the pairs' gold scores, the pairs with the edit distance of their words in their place)."""
    split = TreebankWordTokenizer().tokenize
    distances = [edit_distance(split(a.lower()), split(b.lower())) for a, b, _ in pairs]
    replaced = [(a, b, float(distance)) for (a, b, _), distance in zip(pairs, distances, strict=True)]
    return np.array([gold for *_, gold in pairs]), replaced


def joined(subsets: Sequence[Sequence[Pair]]) -> list[Pair]:
    """All pairs of the subsets as one."""
    return [pair for subset in subsets for pair in subset]


def weighted(encode: Encode, subsets: Sequence[Sequence[Pair]]) -> float:
    """The mean of each subset's ρ, weighted by its pairs."""
    return float(np.average([rho(encode, subset) for subset in subsets], weights=[len(s) for s in subsets]))


def sides(pairs: Sequence[tuple[Any, ...]]) -> list[str]:
    """First sentences, then second ones."""
    return [pair[0] for pair in pairs] + [pair[1] for pair in pairs]


def whitened(encode: Encode, corpus: Sequence[str], k: int | None = None) -> Encode:
    """Su et al.'s code: mean, np.cov, SVD, W = U diag(1/√s), the first k columns."""
    vectors = encode(corpus)
    mean = vectors.mean(axis=0)
    u, s, _ = np.linalg.svd(np.cov(vectors.T))
    kernel = (u / np.sqrt(s))[:, :k]
    return lambda sentences: (encode(sentences) - mean) @ kernel


def calibrated(encode: Encode, corpus: Sequence[str], standardise: bool, k: int) -> Encode:
    """Standardised, or as they are; then less the projections on the corpus's top k singular vectors."""
    vectors = encode(corpus)
    mean, deviation = (vectors.mean(axis=0), vectors.std(axis=0)) if standardise else (0, 1)
    top = np.linalg.svd((vectors - mean) / deviation, full_matrices=False)[2][:k]  # (k, d)

    def encoded(sentences: Sequence[str]) -> np.ndarray:
        scaled = (encode(sentences) - mean) / deviation
        return np.asarray(scaled - scaled @ top.T @ top)

    return encoded


def of_pairs(encode: Encode) -> Callable[[Sequence[tuple[str, str]]], np.ndarray]:
    """The absolute differences of the two vectors beside their products."""

    def features(pairs: Sequence[tuple[str, str]]) -> np.ndarray:
        first, second = (encode([pair[side] for pair in pairs]) for side in (0, 1))
        return np.hstack([abs(first - second), first * second])

    return features


def accuracy(
    encode: Callable[[Any], np.ndarray], splits: dict[str, tuple[list[Any], np.ndarray]], penalties: Sequence[float]
) -> float:
    """Logistic regression on frozen vectors; the dev set chooses C, the first of those that tie."""
    features = {name: encode(sentences) for name, (sentences, _) in splits.items()}
    models = [
        LogisticRegression(C=c, tol=1e-10, max_iter=100_000).fit(features["train"], splits["train"][1])
        for c in penalties
    ]
    scores = [model.score(features["dev"], splits["dev"][1]) for model in models]
    return 100 * float(models[int(np.argmax(scores))].score(features["test"], splits["test"][1]))
