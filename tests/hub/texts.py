"""Small data in the published layouts: every registered data set with sentences of the tests' own, in a data folder.

`write(root)` puts the public files and the user's own below `root`, `write_hub(root)` those that come through the hub,
as Parquet and text. `small(...)` is the registry of what was written. Sentences are drawn from few words: capitals,
stop words, punctuation and hyphens among them, some long enough to be cut at 25 tokens, and in STS-B at 64 and 128.
"""

from __future__ import annotations

import hashlib
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from repro.data import fetch, registry
from repro.data.convert import NLI_HEADER
from repro.data.hub import LABELS, NLI_FILES, SECTIONS, SECTIONS_CONFIG, SIMCSE
from repro.data.readers import TREC_CLASSES
from repro.data.registry import Dataset

COMMON = "the a an and of to in on with is was were not what who how many do does I we they it's".split()
WORDS = (
    "cat dog horse river mountain teacher student guitar piano market station engine window garden village soldier "
    "doctor painter runs plays reads buys breaks opens writes sings follows climbs paints carries red small quiet old "
    "bright heavy quickly slowly today yesterday near behind London Paris Monday re-elected three seven 2,000 market's "
    "water bread paper music letter bridge cloud winter summer"
).split()
FEW = 12  # pairs of a subset of an STS year, and a few more with each subset
STSB = {"train": 160, "dev": 12, "test": 40}  # pairs: more sentences than dimensions that are kept of a large model
SICK = {"train": 12, "trial": 12, "test": 40}
JUDGEMENTS = ("NEUTRAL", "ENTAILMENT", "CONTRADICTION")
PREMISES = 54  # of each NLI corpus, with a hypothesis for each label
ARGUMENTS = 8  # pairs of a topic
TRIPLETS = {"train-00000-of-00002": 20, "train-00001-of-00002": 20, "validation-00000-of-00001": 12}
TRIPLETS |= {"test-00000-of-00001": 100}  # of each file


class Draw:
    """Draws sentences; the same seed, the same ones."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def sentence(self, words: int = 0) -> str:
        """So many words, else three to six, with a capital and a full stop."""
        count = words or int(self.rng.integers(3, 7))
        drawn = [str(self.rng.choice(COMMON if self.rng.random() < 0.4 else WORDS)) for _ in range(count)]
        drawn[0] = drawn[0][:1].upper() + drawn[0][1:]
        return " ".join(drawn) + str(self.rng.choice([".", " .", "!", "", "?"]))

    def pair(self, words: int = 0) -> tuple[str, str, float]:
        """Two sentences, some of whose words are the same, and how many are on a scale of 0 to 5."""
        first = self.sentence(words).split()
        kept = self.rng.random(len(first)) < self.rng.random()
        kept[1] = False  # no two are the same, also where they are cut
        second = [a if keep else str(self.rng.choice(WORDS)) for a, keep in zip(first, kept, strict=True)]
        gold = float(np.clip(5 * kept.mean() + self.rng.normal(scale=0.7), 0, 5))
        return " ".join(first), " ".join(second), round(gold * 20) / 20

    def pairs(self, count: int, long: tuple[int, ...] = (30,)) -> list[tuple[str, str, float]]:
        """So many, the first of them of as many words as `long` says."""
        return [self.pair(long[number] if number < len(long) else 0) for number in range(count)]


def write(root: Path) -> None:
    """Every data set that is public or the user's to bring, below `root`, and the word vectors that papers name."""
    for number, item in enumerate(registry.datasets().values()):
        if not item.from_hub:
            for place, source in enumerate(item.contents):
                path = root / source.path
                path.parent.mkdir(parents=True, exist_ok=True)
                _WRITERS[item.name if source.reader == "plain" else source.reader](
                    path, source.split, Draw(1000 * number + place)
                )
    folder = root / "vectors"
    _write_vectors(folder / "glove.6B.300d.txt", [word.lower() for word in _vocabulary()], seed=1)
    _write_vectors(folder / "glove.840B.300d.txt", _vocabulary(), seed=2)
    _write_vectors(folder / "crawl-300d-2M.vec", _vocabulary(), seed=3, header=True)
    words = [word.lower() for word in (*COMMON, *WORDS)]
    np.save(folder / "glove.6B.50d.npy", np.random.default_rng(5).normal(size=(len(words), 50)).astype(np.float32))
    _parquet(folder / "glove.6B.50d.parquet", {"index": words})


def _vocabulary() -> list[str]:
    """Above a thousand words; one in nine of those in the sentences is missing."""
    known = [word for number, word in enumerate((*COMMON, *WORDS)) if number % 9]
    capital = [word.capitalize() for word in known]
    return list(dict.fromkeys([*known, *capital, *string.punctuation, *(f"word{n}" for n in range(1000))]))


def _write_vectors(path: Path, words: Sequence[str], seed: int, header: bool = False, d: int = 300) -> None:
    words = list(dict.fromkeys(words))
    rows = np.random.default_rng(seed).normal(size=(len(words), d))
    lines = [f"{len(words)} {d}"] if header else []
    lines += [f"{word} " + " ".join(f"{x:.3f}" for x in row) for word, row in zip(words, rows, strict=True)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _lines(path: Path, lines: Iterable[str], encoding: str = "utf-8") -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding=encoding)


def _sts(path: Path, split: str, draw: Draw) -> None:
    pairs = draw.pairs(FEW + len(split))
    golds = ["" if split == "headlines" and number % 5 == 4 else f"{gold:g}" for number, (*_, gold) in enumerate(pairs)]
    _lines(path, (f"{first}\t{second}" for first, second, _ in pairs))
    _lines(path.with_name(path.name.replace("STS.input.", "STS.gs.", 1)), golds)


def _stsb(path: Path, split: str, draw: Draw) -> None:
    cells = enumerate(draw.pairs(STSB[split], long=(30, 70, 150) if split == "test" else ()))
    _lines(path, (f"main\tnews\t2012\t{n:04}\t{gold:.3f}\t{a}\t{b}" for n, (a, b, gold) in cells))


def _sick(path: Path, split: str, draw: Draw) -> None:
    rows = [
        f"{n}\t{a} \t{b}\t{max(gold, 1):.1f}\t{JUDGEMENTS[n % 3]}"
        for n, (a, b, gold) in enumerate(draw.pairs(SICK[split]), 1)
    ]
    _lines(path, ["pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment", *rows])


def _labelled(path: Path, split: str, draw: Draw) -> None:
    _lines(path, (draw.sentence() for _ in range(15)), "latin-1")


def _sst(path: Path, split: str, draw: Draw) -> None:
    _lines(path, (f"{draw.sentence().lower()}\t{n % 2}" for n in range({"train": 60}.get(split, 24))))


def _trec(path: Path, split: str, draw: Draw) -> None:
    _lines(path, (f"{TREC_CLASSES[n % 6]}:x {draw.sentence()}" for n in range(72)), "latin-1")


def _mrpc(path: Path, split: str, draw: Draw) -> None:
    rows = [f"{int(gold > 2.5)}\t{n}\t{n}\t{a}\t{b}" for n, (a, b, gold) in enumerate(draw.pairs(48))]
    _lines(path, ["Quality\t#1 ID\t#2 ID\t#1 String\t#2 String", *rows])


def _nli(path: Path, split: str, draw: Draw) -> None:
    rows = ("\t".join(["train", "SNLI", "train", *pair, label]) for *pair, label in [*_judged(draw), *_judged(draw)])
    _lines(path, [NLI_HEADER, *rows])


def _judged(draw: Draw) -> list[tuple[str, str, str]]:
    """Premises, each with an entailed, a neutral and a contradicted hypothesis."""
    premises = [draw.sentence() for _ in range(PREMISES)]
    return [(premise, draw.sentence(), label) for premise in premises for label in LABELS]


def _snli(path: Path, split: str, draw: Draw) -> None:
    """Premises, and beside them hypotheses and labels."""
    sides = zip(*_judged(draw)[:48], strict=True)
    for side, lines in zip(("s1", "s2", "labels"), sides, strict=True):
        _lines(path.with_name(f"{side}.{split}"), lines)


def _qnli(path: Path, split: str, draw: Draw) -> None:
    rows = (
        f"{n}\t{a}\t{b}\t{('entailment', 'not_entailment')[gold < 2.5]}"
        for n, (a, b, gold) in enumerate(draw.pairs(48))
    )
    _lines(path, ["index\tquestion\tsentence\tlabel", *rows])


def _quora(path: Path, split: str, draw: Draw) -> None:
    """More questions than dimensions that are kept of the small BERT, some of them in two pairs."""
    pairs = draw.pairs(60)
    pairs += [(first, other, 5.0) for (first, *_), (_, other, _) in zip(pairs, pairs[5:15], strict=False)]
    rows = (f"{n}\t{n}\t{n}\t{a}\t{b}\t{int(gold > 2.5)}" for n, (a, b, gold) in enumerate(pairs))
    _lines(path, ["id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate", *rows])


def _facets(path: Path, split: str, draw: Draw) -> None:
    rows = (f'{gold:g},"{a}","{b}"' for a, b, gold in (draw.pair() for _ in range(ARGUMENTS)))
    _lines(path, ["regression_label,sentence_1,sentence_2", *rows], "cp1252")


def _bws(path: Path, split: str, draw: Draw) -> None:
    pairs = [(topic, *draw.pair()) for topic in ("cloning", "energy", "taxes") for _ in range(ARGUMENTS)]
    rows = (f'{topic},"{a}","{b}",{gold / 5:.3f}' for topic, a, b, gold in pairs)
    _lines(path, ["topic,sentence_1,sentence_2,regression_label", *rows])


def _text_pairs(path: Path, split: str, draw: Draw) -> None:
    _lines(path, (f"{a}\t{b}" for a, b, _ in draw.pairs(30)))


def _simcse_triplets(path: Path, split: str, draw: Draw) -> None:
    cells = ([draw.sentence() for _ in range(3)] for _ in range(49))
    rows = (",".join(f'"{cell}"' for cell in row) for row in cells)
    _lines(path, ["sent0,sent1,hard_neg", *rows, '"One cell is empty.",,"So."'])


def _synsets(path: Path, split: str, draw: Draw) -> None:
    """Words in threes, one of them a phrase, below a licence."""
    words = [word for word in WORDS if word.isalpha()]
    rows = (
        f"{n:08} 03 n 03 {words[n]} 0 {words[n + 1]}_{words[n + 2]} 0 {words[n + 2]} 0 000 | gloss"
        for n in range(0, len(words) - 2, 3)
    )
    _lines(path, ["  1 A licence.", *rows])


_WRITERS = {
    "sts": _sts,
    "stsb": _stsb,
    "sick": _sick,
    "sentences-of-1": _labelled,
    "sentences-of-0": _labelled,
    "sst": _sst,
    "trec": _trec,
    "mrpc": _mrpc,
    "nli": _nli,
    "snli": _snli,
    "qnli": _qnli,
    "quora": _quora,
    "wordnet": _synsets,
    "text-pairs": _text_pairs,
    "simcse-triplets": _simcse_triplets,
    "argument-facets": _facets,
    "bws": _bws,
    "SNLI": lambda path, split, draw: None,  # hypotheses and labels are there with their premises
    "WIKI-SAMPLE": lambda path, split, draw: _lines(path, (draw.sentence() for _ in range(40))),
    "glove-840b-sick": lambda path, split, draw: _write_vectors(path, _vocabulary()[:90], seed=4),
}


def write_hub(root: Path) -> None:
    """The data sets of the hub below `root/datasets`, in their repositories' files, with others beside them."""
    for number, (repo, name) in enumerate(NLI_FILES.values()):
        rows = _hub_pairs(number)
        columns = {"premise": [row[0] for row in rows], "hypothesis": [row[1] for row in rows]}
        path = root / "datasets" / repo / name
        _parquet(path, columns | {"label": [row[2] for row in rows]})
        _parquet(path.with_name("test-00000-of-00001.parquet"), columns)
    draw, folder = Draw(21), root / "datasets" / SIMCSE
    folder.mkdir(parents=True)
    _lines(folder / "wiki1m_for_simcse.txt", (draw.sentence() for _ in range(50)))
    _simcse_triplets(folder / "nli_for_simcse.csv", "all", draw)
    folder = root / "datasets" / SECTIONS / SECTIONS_CONFIG
    for name, count in TRIPLETS.items():
        columns = {side: [draw.sentence() for _ in range(count)] for side in ("anchor", "positive")}
        # the same words in another order: so near to the positive that a little training changes which is nearer
        columns["negative"] = [" ".join(reversed(text.split())) for text in columns["positive"]]
        _parquet(folder / f"{name}.parquet", columns)
    _parquet(folder.parent / "pair" / "train-00000-of-00001.parquet", {"anchor": ["not"], "positive": ["this"]})
    for folder in (root / "datasets").glob("*/*"):
        (folder / "README.md").write_text("A data set.\n")


def _hub_pairs(number: int) -> list[tuple[str, str, int]]:
    """The judged pairs of an NLI corpus, and two on which nobody agreed."""
    draw = Draw(11 + number)
    judged = [(premise, hypothesis, LABELS.index(label)) for premise, hypothesis, label in _judged(draw)]
    return [*judged, *((draw.sentence(), draw.sentence(), -1) for _ in range(2))]


def _parquet(path: Path, columns: dict[str, list[object]] | dict[str, list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def small(root: Path) -> dict[str, Dataset]:
    """The registered data sets as `write` wrote them below `root`, and as the hub's come out of `write_hub`'s."""
    labels = Counter(LABELS[label] for number in range(2) for *_, label in _hub_pairs(number) if label >= 0)
    from_hub = {
        "AllNLI.tsv": (sum(labels.values()), " ".join(f"{name}:{labels[name]}" for name in sorted(labels))),
        "train.csv": (40, ""),
        "validation.csv": (12, ""),
        "test.csv": (100, ""),
        "wiki1m_for_simcse.txt": (50, ""),
        "nli_for_simcse.csv": (50, ""),
    }
    datasets = {}
    for name, item in registry.datasets().items():
        sources = []
        for source in item.sources:
            path = root / source.path
            rows, balance = from_hub[path.name] if item.from_hub else fetch.describe(path, source)
            sources.append(replace(source, rows=rows, labels=balance))
        digests = tuple((path, _sha256(root / path)) for path, _ in item.digests)
        datasets[name] = replace(item, sources=tuple(sources), digests=digests)
    return datasets


def _sha256(path: Path | PurePosixPath) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def sentences() -> list[str]:
    """Sentences that a tokenizer can be trained on: those of the hub's NLI, and of everything else the words."""
    pairs = [pair for number in range(2) for pair in _hub_pairs(number)]
    return [text for first, second, _ in pairs for text in (first, second)] + [*COMMON, *WORDS]
