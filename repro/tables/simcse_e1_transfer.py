"""SimCSE Table E.1: accuracy × 100 of a linear classifier on frozen embeddings, SentEval's seven transfer tasks.

    make simcse-e1        (repro table simcse-e1; --probe exact leaves out the slower of the two classifiers)

The protocol is that of Sentence-BERT's Table 5. Without a model hub expect the row of all-MiniLM-L6-v2; after
`make base` and `make glove` those of all-mpnet-base-v2 and of GloVe with 50 dimensions; after `make
base-from-scratch` six of scratch-bert, of which the mean as it is and the one trained on NLI are the best (71.55 and
71.56 under SentEval's classifier); SimCSE ([CLS] 66.38 unsupervised, 67.27 supervised) adds less than to BERT-base.
"""

from repro.evaluation.systems import Quoted
from repro.tables import demo, scratch
from repro.tables.columns import TRANSFER_IN_LEDGER, accuracies, glove_50d_rows
from repro.tables.sbert_5_senteval import PROBES
from repro.tables.spec import BEYOND, Ref, Row, Table, outside_row, zoo_row

UNSUP = "Unsupervised models"
SUP = "Supervised models"

COLUMNS = tuple(
    column for suffix, name in PROBES.items() for column in accuracies(suffix, "accuracy", f"Test accuracy, {name}")
)


def paper(system: str, group: str) -> Ref:
    return Ref("simcse", "Table E.1", system, group, TRANSFER_IN_LEDGER)


def row(slug: str, system: str, group: str) -> Row:
    return zoo_row(slug, system, group, paper(system, group))


def outside(slug: str, system: str, group: str) -> Row:
    return outside_row(slug, system, group, paper(system, group))


def unreleased(slug: str, system: str, group: str) -> Row:
    why = "trained with a masked-language-model loss as well; its weights are not released"
    return Row(slug, system, group, Quoted(why), paper(system, group))


TABLE = Table(
    id="simcse-e1",
    title="SimCSE, Table E.1: SentEval transfer tasks (accuracy × 100)",
    paper="Gao, Yao and Chen, SimCSE, EMNLP 2021, Table E.1",
    command="make simcse-e1",
    rows=(
        row("glove-840b-bow", "GloVe embeddings (avg.)", UNSUP),
        outside("skip-thought", "Skip-thought", UNSUP),
        row("bert-base-avg-service", "Avg. BERT embeddings", UNSUP),
        row("bert-base-cls-service", "BERT-[CLS] embeddings", UNSUP),
        outside("is-bert-base", "IS-BERT-base", UNSUP),
        row("unsup-simcse-bert-base", "SimCSE-BERT-base", UNSUP),
        unreleased("unsup-simcse-bert-base-mlm", "SimCSE-BERT-base w/ MLM", UNSUP),
        row("unsup-simcse-roberta-base", "SimCSE-RoBERTa-base", UNSUP),
        unreleased("unsup-simcse-roberta-base-mlm", "SimCSE-RoBERTa-base w/ MLM", UNSUP),
        row("unsup-simcse-roberta-large", "SimCSE-RoBERTa-large", UNSUP),
        unreleased("unsup-simcse-roberta-large-mlm", "SimCSE-RoBERTa-large w/ MLM", UNSUP),
        outside("infersent", "InferSent-GloVe", SUP),
        outside("use", "Universal Sentence Encoder", SUP),
        row("sbert-nli-base", "SBERT-base", SUP),
        row("sup-simcse-bert-base", "SimCSE-BERT-base", SUP),
        unreleased("sup-simcse-bert-base-mlm", "SimCSE-BERT-base w/ MLM", SUP),
        row("sroberta-nli-base", "SRoBERTa-base", SUP),
        row("sup-simcse-roberta-base", "SimCSE-RoBERTa-base", SUP),
        unreleased("sup-simcse-roberta-base-mlm", "SimCSE-RoBERTa-base w/ MLM", SUP),
        row("sup-simcse-roberta-large", "SimCSE-RoBERTa-large", SUP),
        unreleased("sup-simcse-roberta-large-mlm", "SimCSE-RoBERTa-large w/ MLM", SUP),
        zoo_row("all-minilm-l6-v2", "all-MiniLM-L6-v2", BEYOND),
        zoo_row("all-mpnet-base-v2", "all-mpnet-base-v2", BEYOND),
        *glove_50d_rows(),
        *scratch.plain("token-embeddings", "cls", "avg"),
        *scratch.trained(COLUMNS, "sbert-nli", "unsup-simcse", "sup-simcse"),
    ),
    columns=COLUMNS,
    demo=demo.plain("minilm-cls", "minilm-avg"),
    notes=(
        "SentEval's default configuration: kfold 10, no hidden layer, Adam, batches of 64, tenacity 5, epoch size 4 "
        "(evaluation.py:75-77): the section on SentEval's classifier. See sbert-5 for what both classifiers are.",
        "Avg. BERT, GloVe, [CLS], InferSent, USE and SBERT-base are quoted from Sentence-BERT, Skip-thought and "
        "IS-BERT-base from Zhang et al. (2020); the MRPC cell of Avg. BERT has two digits swapped (erratum 5).",
        "GloVe: SentEval's own bag of words over glove.840B.300d, every token, cased: see sbert-5.",
        "TREC has 500 questions: 88.64 and 87.01 cannot be one run (erratum 44).",
        scratch.NOTE,
    ),
)
