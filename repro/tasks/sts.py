"""Semantic textual similarity: correlation of cosines with gold scores, under every aggregation in use.

`all` concatenates the subsets of a year before one correlation (SBERT, SimCSE, MTEB); `mean` and `wmean`
average the per-subset correlations, plain or weighted by pair count (SentEval sts.py:80-98, BERT-flow, BERT-whitening).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path

import numpy as np

from repro.data import readers
from repro.data.readers import Pairs
from repro.data.registry import Dataset, contracts
from repro.data.text import are_tokenised, joined, moses
from repro.errors import NotAvailable, ReproError
from repro.metrics.bootstrap import AGGREGATIONS, aggregated_draws, averaged, paired_p_value, subset_draws
from repro.metrics.correlation import CORRELATIONS, constant, cosines
from repro.tasks.base import Scores, Similarity, Task

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StsTask(Task):
    """A data set, the splits of it that count as one test set (none named: all subsets of an STS year), and its text.

    `text` is a form of repro.data.text: what SentEval evaluates is `senteval`, what reads the published files is `raw`.
    """

    splits: tuple[str, ...] = ()
    text: str = "raw"

    scores_pairs = True

    @property
    def source(self) -> tuple[str, ...]:
        """The data set, its splits and its text."""
        return (self.dataset, *self.splits, self.text)

    @property
    def target(self) -> str:
        """The task that has every sentence of the same data set in the same form of text."""
        same = [other for other in STS_TASKS.values() if (other.dataset, other.text) == (self.dataset, self.text)]
        return max(same, key=lambda other: len(other.splits)).name

    @property
    def metrics(self) -> tuple[str, ...]:
        """Both correlations under each aggregation."""
        return tuple(f"{name}-{aggregation}" for name in CORRELATIONS for aggregation in AGGREGATIONS)

    def parts(self, item: Dataset) -> tuple[str, ...]:
        """The splits, or the subsets that the registry names."""
        return self.splits or tuple(path.name[len("STS.input.") : -len(".txt")] for path, _, _ in contracts(item))

    def load(self, root: Path, item: Dataset, limit: int | None = None) -> list[Pairs]:
        """Read the task's pairs below a data folder; `limit` keeps the first pairs of each split."""
        folder = root / item.folder
        if not folder.is_dir():
            raise NotAvailable(f"{self.dataset}: no folder {folder}; run `repro fetch {self.dataset}` or check --data")
        return [self._formed(self._read(folder, split), folder, limit) for split in self.parts(item)]

    def _formed(self, part: Pairs, folder: Path, limit: int | None) -> Pairs:
        """The first pairs of a part, in the task's form of the text."""
        split_already = are_tokenised((*part.first, *part.second))
        form: Callable[[str], str] = str
        if self.text == "raw":
            if split_already:
                _warn_of_tokens(folder, part.name)
        elif self.text == "joined" or split_already:
            form = joined
        else:
            form = _SENTEVAL[self.dataset]
        first, second = (tuple(map(form, sentences[:limit])) for sentences in (part.first, part.second))
        return Pairs(part.name, first, second, part.gold[:limit], part.labels[:limit])

    def _read(self, folder: Path, split: str) -> Pairs:
        if self.dataset == "SICK":
            return readers.read_sick(folder, split)
        if self.dataset == "STSB":
            return readers.read_stsb(folder, split)
        return readers.read_sts_subset(folder, split)

    def digest(self, parts: list[Pairs]) -> str:
        """Hex sha256 of the pairs."""
        return readers.digest(parts)

    def sentences(self, parts: list[Pairs]) -> list[str]:
        """Distinct sentences of the pairs, in order of first occurrence."""
        return sentences_of(parts)

    def protocol(self, metric: str) -> dict[str, str]:
        """`agg:all|corr:spearman|sim:cos|text:raw`."""
        correlation, aggregation = metric.split("-")
        return {"agg": aggregation, "corr": correlation, "sim": "cos", "text": self.text}

    def score(self, parts: list[Pairs], sentences: list[str], vectors: np.ndarray, encoder: str) -> StsScores:
        """All six numbers."""
        return score(parts, sentences, vectors, encoder)

    def score_pairs(self, parts: list[Pairs], similarity: Similarity) -> StsScores:
        """The same from a model that reads both sentences at once."""
        return score_pairs(parts, similarity)

    def restore(self, parts: list[Pairs], items: tuple[np.ndarray, ...]) -> StsScores:
        """Scores from stored cosines."""
        return StsScores(items, tuple(part.gold for part in parts))

    def check_counts(self, parts: list[Pairs], item: Dataset) -> None:
        """Hold the pair counts against the registry: a user's SentEval folder must be the published test set too."""
        expected = {path.name: rows for path, rows, _ in contracts(item)}
        for part in parts:
            file = {"SICK": readers.SICK_FILES.get(part.name, ""), "STSB": f"sts-{part.name}.csv"}.get(
                self.dataset, f"STS.input.{part.name}.txt"
            )
            if len(part) != expected[file]:
                raise ReproError(f"{self.dataset} {file}: expected {expected[file]} scored pairs, found {len(part)}")


@dataclass(frozen=True, eq=False)
class StsScores(Scores):
    """Every number that the protocols of the field give for one encoder on one task, ×100."""

    similarities: tuple[np.ndarray, ...]  # cosine per pair, one (n,) float64 array a subset
    gold: tuple[np.ndarray, ...]

    def _parts(self) -> list[tuple[np.ndarray, np.ndarray]]:
        return list(zip(self.similarities, self.gold, strict=True))

    @cached_property
    def values(self) -> dict[str, float]:
        """{"spearman-all": score × 100, …}: two correlations, three aggregations."""
        found = {}
        joined = np.concatenate(self.similarities), np.concatenate(self.gold)
        for name, correlation in CORRELATIONS.items():
            each = [correlation(x, y) for x, y in self._parts()]
            found[f"{name}-all"] = 100 * correlation(*joined)
            found[f"{name}-mean"] = 100 * float(np.mean(each))
            found[f"{name}-wmean"] = 100 * float(np.average(each, weights=[len(x) for x in self.gold]))
        return found

    def items(self, metric: str) -> tuple[np.ndarray, ...]:
        """The cosines, one array a subset."""
        return self.similarities

    def draws(self, metric: str, resamples: int, seed: int) -> np.ndarray:
        """Bootstrap draws (resamples,) of one of the six scores, × 100."""
        correlation, aggregation = metric.split("-")
        if aggregation == "all":
            return 100 * aggregated_draws(self._parts(), correlation, aggregation, resamples, seed)
        draws = _subset_draws(self, correlation, resamples, seed)
        return 100 * averaged(draws, [len(gold) for gold in self.gold], aggregation)

    def p_value(self, other: StsScores, metric: str, difference: np.ndarray) -> tuple[float, str]:
        """Paired bootstrap."""
        return paired_p_value(difference), "paired bootstrap"


@lru_cache(maxsize=1)  # the mean and the weighted mean of a task come one after the other
def _subset_draws(scores: StsScores, correlation: str, resamples: int, seed: int) -> np.ndarray:
    return subset_draws(scores._parts(), correlation, resamples, seed)


def score(parts: list[Pairs], sentences: list[str], vectors: np.ndarray, encoder: str) -> StsScores:
    """Score sentence vectors: `vectors[i]` (d,) belongs to `sentences[i]`; all sentences of `parts` must be there.

    Raises ReproError naming encoder and sentence when a vector is not finite or when all vectors are the same.
    """
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        raise ReproError(f"{encoder}: the vector of {sentences[int(finite.argmin())]!r} is not finite")
    index = {sentence: i for i, sentence in enumerate(sentences)}
    similarities = []
    for part in parts:
        first = np.array([index[sentence] for sentence in part.first])
        second = np.array([index[sentence] for sentence in part.second])
        cosine = cosines(vectors, first, second)
        if len(cosine) > 1 and constant(cosine):
            raise ReproError(
                f"{encoder}: all {len(cosine)} cosines of {part.name} are the same, beginning with {part.first[0]!r}; "
                "the encoder gives a constant vector"
            )
        similarities.append(cosine)
    return StsScores(tuple(similarities), tuple(part.gold for part in parts))


def score_pairs(parts: list[Pairs], similarity: Similarity) -> StsScores:
    """Score a similarity of sentence pairs, such as a cross-encoder's."""
    found = tuple(np.asarray(similarity(part.first, part.second), np.float64) for part in parts)
    return StsScores(found, tuple(part.gold for part in parts))


def sentences_of(parts: list[Pairs]) -> list[str]:
    """Distinct sentences of the pairs, in order of first occurrence."""
    return list(dict.fromkeys(s for part in parts for s in (*part.first, *part.second)))


@cache
def _warn_of_tokens(folder: Path, split: str) -> None:
    """Say it once: numbers on such a file are no numbers on the published text."""
    _log.warning("%s: the text of %s is tokenised already; where raw text is due, it is taken as it is", folder, split)


# SentEval's files of an STS year are fetched as they are: the tokens are there
_YEARS = ("sts12", "sts13", "sts14", "sts15", "sts16")
_SENTEVAL: dict[str, Callable[[str], str]] = {
    **{name.upper(): joined for name in _YEARS},
    "STSB": lambda sentence: moses(sentence).lower(),
    "SICK": moses,
}
_STSB, _SICK = ("train", "dev", "test"), ("train", "trial", "test")
STS_TASKS: dict[str, StsTask] = {
    task.name: task
    for task in (
        *(StsTask(name, name.upper(), text="senteval") for name in _YEARS),
        StsTask("stsb-dev", "STSB", ("dev",)),
        StsTask("stsb", "STSB", ("test",)),
        StsTask("sickr", "SICK", ("test",), "joined"),  # SICK's own text as the papers' code splits and joins it
        StsTask("sickr-all", "SICK", _SICK),
        StsTask("stsb-all", "STSB", _STSB),
        StsTask("sickr-all-joined", "SICK", _SICK, "joined"),
        # what SimCSE evaluates (evaluation.py:90, get_transfer_data.bash)
        StsTask("stsb-senteval", "STSB", ("test",), "senteval"),
        StsTask("stsb-dev-senteval", "STSB", ("dev",), "senteval"),
        StsTask("stsb-all-senteval", "STSB", _STSB, "senteval"),
        StsTask("sickr-senteval", "SICK", ("test",), "senteval"),
        StsTask("sickr-all-senteval", "SICK", _SICK, "senteval"),
    )
}
# the task that has every sentence of a data set: what a whitening or a flow of the "target" is fitted on, all splits
# (bojone/BERT-whitening eng/eval.py:78-81, bohanli/BERT-flow run_siamese.py:619-622)
WHOLE = {STS_TASKS[name].dataset: STS_TASKS[name] for name in (*_YEARS, "stsb-all", "sickr-all-joined")}
