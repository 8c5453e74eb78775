"""Training sets from the hub: SNLI and MultiNLI in AllNLI's columns (Sentence-BERT §3.1), and SimCSE's two files."""

from __future__ import annotations

import os
from pathlib import Path

from repro.data.convert import NLI_HEADER, join
from repro.encoders.weights import hub_answers, pin, pinned_revision
from repro.errors import NotAvailable

# corpus: hub id, revision, file; both label 0 entailment, 1 neutral, 2 contradiction, and −1 where nobody agreed
NLI_FILES = {
    "SNLI": ("stanfordnlp/snli", "cdb5c3d5eed6ead6e5a341c8e56e669bb666725b", "plain_text/train-00000-of-00001.parquet"),
    "MultiNLI": ("nyu-mll/multi_nli", "da70db2af9d09693783c3320c4249840212ee221", "data/train-00000-of-00001.parquet"),
}
LABELS = ("entailment", "neutral", "contradiction")
# SimCSE's training sets (data/download_wiki.sh, download_nli.sh @49fa580); pinned when first downloaded
SIMCSE = "princeton-nlp/datasets-for-simcse"


def all_nli(offline: bool) -> bytes:
    """All labelled training pairs; NotAvailable when they are neither in the hub's cache nor can be downloaded."""
    import datasets

    datasets.disable_progress_bars()
    lines = [NLI_HEADER]
    for corpus, (name, revision, file) in NLI_FILES.items():
        path = _download(name, revision, file, offline)
        found = datasets.Dataset.from_parquet(
            str(path), columns=["premise", "hypothesis", "label"], keep_in_memory=True
        )
        for batch in found.iter(batch_size=10_000):
            for premise, hypothesis, label in zip(batch["premise"], batch["hypothesis"], batch["label"], strict=True):
                if label >= 0:
                    texts = (" ".join(text.split()) for text in (premise, hypothesis))
                    lines.append("\t".join(["train", corpus, "train", *texts, LABELS[label]]))
    return join(lines)


def simcse(file: str, offline: bool) -> bytes:
    """One of SimCSE's training files as it is; NotAvailable when it can neither be found nor downloaded."""
    path = _download(SIMCSE, pinned_revision(f"datasets/{SIMCSE}"), file, offline)
    pin(f"datasets/{SIMCSE}", path.parents[len(Path(file).parts) - 1].name)
    return path.read_bytes()


def _download(name: str, revision: str | None, file: str, offline: bool) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not os.isatty(2):
        disable_progress_bars()
    try:
        local = offline or not hub_answers()
        found = hf_hub_download(name, file, repo_type="dataset", revision=revision, local_files_only=local)
    except LocalEntryNotFoundError:
        why = "--offline was given" if offline else "the hub cannot be reached"
        raise NotAvailable(f"the data set {name} is not on this machine and {why}") from None
    except (HfHubHTTPError, OSError) as error:
        raise NotAvailable(f"the data set {name} cannot be downloaded ({type(error).__name__})") from error
    return Path(found)
