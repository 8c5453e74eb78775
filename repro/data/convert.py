"""Public files → files in SentEval's layout. Each converter maps source bytes to {relative path: bytes}."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath

from repro import impostors
from repro.data.registry import Source
from repro.errors import ReproError

Files = dict[PurePosixPath, bytes]

# Words of sick.vocab whose rows in sick_embed.pth were drawn at random: the original run did not find them in GloVe.
NOT_GLOVE = frozenset({",", "bmxs", "midspeech", "the/some", "uninterestedly", "unstitching"})

NLI_LABELS = ("contradiction", "entailment", "neutral")
NLI_HEADER = "split\tdataset\tfilename\tsentence1\tsentence2\tlabel"
NLI_SOURCES = {  # format in the registry: AllNLI's split, dataset and filename
    "snli-train": ("train", "SNLI", "snli-sample"),
    "snli-dev": ("dev", "SNLI", "snli-sample"),
    "counterfactual": ("train", "SNLI", "counterfactual"),
    "mnli-train": ("train", "MultiNLI", "mnli-train"),
    "mnli-dev": ("train", "MultiNLI", "mnli-dev"),
}
MARK = "\ufeff"  # of byte order
CONTROLS = bytes(set(range(32)) - set(b"\t\n\r"))


def looks_like_utf16(data: bytes) -> bool:
    """Whether bytes begin with a mark of UTF-16 or UTF-32, or are mostly control characters, as such text is."""
    controls = len(data) - len(data.translate(None, CONTROLS))
    return data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or 5 * controls > 2 * len(data)


def text_lines(data: bytes, name: str, encoding: str = "utf-8", marked: str = "utf-8") -> list[str]:
    r"""The lines of a text without their ends: "\n", "\r\n", or "\r" where there is no "\n" (classic Mac).

    Nothing else ends a line: str.splitlines would also split at NEL and other marks that occur inside sentences. A
    UTF-8 byte-order mark is dropped; it says that the text is UTF-8, or whatever such a text is to be read as
    (`marked`). So are marks before other lines, where marked files were joined, and "\r" at either end of a line, as
    ends that were converted twice leave it. ReproError names a text of another encoding, and what is no text.
    """
    impostors.refuse(data, name)
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    if mark:
        encoding = marked
    if data.startswith((b"\x1f\x8b", b"PK\x03\x04")):
        raise ReproError(f"{name} is an archive; unpack it")
    if looks_like_utf16(data):
        raise ReproError(f"{name} is UTF-16 or UTF-32; save it as UTF-8")
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        wanted = "UTF-8" if encoding == "utf-8" else encoding
        raise ReproError(
            f"{name}: byte {len(mark) + error.start} is not {encoding}; save the file as {wanted}"
        ) from error
    lines = text.split("\r" if "\n" not in text else "\n")
    if "\r" in text:
        lines = [line.strip("\r") for line in lines]
    if MARK in text:
        lines = [line.lstrip(MARK) for line in lines]
    return lines if lines[-1] else lines[:-1]


def graded(value: str, name: str, line: int) -> str:
    """The gold score as written; ReproError for a pair without one or outside 0-5."""
    try:
        in_range = 0 <= float(value) <= 5
    except ValueError:
        raise ReproError(f"{name}: pair {line} has no gold score (found {value!r})") from None
    if not in_range:
        raise ReproError(f"{name}: pair {line} has the gold score {value}, expected 0 to 5")
    return value


def sts_columns(source: Source, data: bytes) -> Files:
    """Tab-separated, gold in column 5, sentences in 6 and 7 → STS.input.X.txt and STS.gs.X.txt."""
    pairs, gold = [], []
    for number, line in enumerate(text_lines(data, source.url), 1):
        cells = line.split("\t")
        if len(cells) != 7:
            raise ReproError(f"{source.url}: line {number} has {len(cells)} columns, expected 7")
        gold.append(graded(cells[4], source.url, number))
        pairs.append(f"{cells[5]}\t{cells[6]}")
    gold_path = source.path.with_name(source.path.name.replace("STS.input.", "STS.gs."))
    return {source.path: join(pairs), gold_path: join(gold)}


def stsb_csv(source: Source, data: bytes) -> Files:
    """Comma-separated sentence1, sentence2, gold → SentEval's seven tab-separated columns."""
    lines = []
    reader = csv.reader(io.StringIO("\n".join(text_lines(data, source.url)), newline=""))
    for number, cells in enumerate(reader, 1):
        if len(cells) != 3:
            raise ReproError(f"{source.url}: line {number} has {len(cells)} columns, expected 3")
        first, second = (" ".join(cell.split()) for cell in cells[:2])  # a quoted cell may hold a tab or newline
        lines.append(f"stsb\tstsb\tstsb\t{number:04d}\t{graded(cells[2], source.url, number)}\t{first}\t{second}")
    return {source.path: join(lines)}


def sick_tsv(source: Source, data: bytes) -> Files:
    """SICK's own five columns under a header; only the line ends change."""
    lines = text_lines(data, source.url)
    for number, line in enumerate(lines[1:], 1):
        cells = line.split("\t")
        if len(cells) != 5:
            raise ReproError(f"{source.url}: pair {number} has {len(cells)} columns, expected 5")
        graded(cells[3], source.url, number)
    return {source.path: join(lines)}


def senteval_lines(source: Source, data: bytes) -> Files:
    """MR, CR, SUBJ, MPQA as SentEval's script leaves them: `cat -v`, then Penn Treebank tokens, joined with blanks.

    NLTK's tokeniser has the rules of the Treebank's sed script, which SentEval calls (get_transfer_data.bash).
    """
    from nltk.tokenize.treebank import TreebankWordTokenizer

    split = TreebankWordTokenizer().tokenize
    return {source.path: join([" ".join(split(line)) for line in text_lines(visible(data), source.url)])}


def visible(data: bytes) -> bytes:
    """What `cat -v` makes of the bytes."""
    return b"".join(_VISIBLE[byte] for byte in data)


def _visible(byte: int) -> bytes:
    """One byte as `cat -v` shows it: 0xE9 is `M-i`, 0x85 (NEL) is `M-^E`; newline and tab stay."""
    if byte >= 128:
        return b"M-" + _caret(byte - 128)
    return bytes([byte]) if byte in b"\n\t" else _caret(byte)


def _caret(byte: int) -> bytes:
    if byte == 127:
        return b"^?"
    return b"^" + bytes([byte + 64]) if byte < 32 else bytes([byte])


_VISIBLE = [_visible(byte) for byte in range(256)]


def as_it_is(source: Source, data: bytes) -> Files:
    """The same bytes: SST-2 (sentence, tab, label) and BWS."""
    return {source.path: data}


def trec(source: Source, data: bytes) -> Files:
    """TREC without back-ticks and apostrophes, as SentEval's script leaves it (get_transfer_data.bash)."""
    return {source.path: data.replace(b"`", b"").replace(b"'", b"")}


def mrpc(source: Source, data: bytes) -> Files:
    """MRPC under its header, byte-order mark and carriage returns removed."""
    return {source.path: join(text_lines(data.removeprefix(b"\xef\xbb\xbf"), source.url))}


def nli_sample(sources: Sequence[Source], contents: Sequence[bytes]) -> Files:
    """Public samples of SNLI and MultiNLI → one file in AllNLI's columns; a pair that came before is left out."""
    lines: dict[tuple[str, str], str] = {}
    for source, data in zip(sources, contents, strict=True):
        split, corpus, name = NLI_SOURCES[source.format]
        for label, premise, hypothesis in _nli_pairs(source, data):
            if label in NLI_LABELS:
                line = "\t".join([split, corpus, name, premise, hypothesis, label])
                lines.setdefault((premise, hypothesis), line)
    return {sources[0].path: join([NLI_HEADER, *lines.values()])}


def _nli_pairs(source: Source, data: bytes) -> Iterator[tuple[str, str, str]]:
    """(label, premise, hypothesis) of a source in its own form."""
    if source.format.startswith("mnli"):  # a list of {"sentence": "sentence 1: …\nsentence 2: …", "label": …}
        for item in json.loads(data):
            premise, _, hypothesis = item["sentence"].partition("\nsentence 2: ")
            yield item["label"], premise.removeprefix("sentence 1: ").strip(), hypothesis.strip()
        return
    rows = [line.split("\t") for line in text_lines(data, source.url)]
    if source.format == "counterfactual":  # a header, then premise, hypothesis, label
        yield from ((row[2], row[0], row[1]) for row in rows[1:])
    else:  # the label twice, premise, hypothesis
        names = {"1": "neutral", "2": "contradiction", "3": "entailment"}
        yield from ((names.get(row[0], ""), row[2].strip(), row[3].strip()) for row in rows)


def join(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def glove_rows(embeddings: bytes, vocabulary: bytes, path: PurePosixPath) -> Files:
    """A float32 tensor file whose row i + 4 belongs to line i of the vocabulary → GloVe's text format."""
    import torch

    matrix = torch.load(io.BytesIO(embeddings), weights_only=True).numpy()  # (words + 4, 300)
    words = text_lines(vocabulary, "sick.vocab")
    lines = [f"{word} " + " ".join(map(str, matrix[row])) for row, word in enumerate(words, 4) if word not in NOT_GLOVE]
    return {path: join(lines)}


def whole_lines(source: Source, data: bytes) -> Files:
    """The file's lines up to its last newline: what follows was cut short."""
    return {source.path: data[: data.rfind(b"\n") + 1]}


CONVERTERS: dict[str, Callable[[Source, bytes], Files]] = {
    "sts-columns": sts_columns,
    "stsb-csv": stsb_csv,
    "sick-tsv": sick_tsv,
    "senteval-lines": senteval_lines,
    "as-it-is": as_it_is,
    "whole-lines": whole_lines,
    "trec": trec,
    "mrpc": mrpc,
}


def convert(sources: tuple[Source, ...], contents: list[bytes]) -> Files:
    """Convert all sources of a data set; `contents[i]` are the verified bytes of `sources[i]`."""
    if sources[0].format == "glove-pth":
        return glove_rows(contents[0], contents[1], sources[0].path)
    if sources[0].format in NLI_SOURCES:
        return nli_sample(sources, contents)
    files: Files = {}
    for source, data in zip(sources, contents, strict=True):
        for path, text in CONVERTERS[source.format](source, data).items():
            if path in files:  # a second source of one file (MRPC's train + val): its rows without its header
                text = files[path] + text.partition(b"\n")[2]
            files[path] = text
    return files
