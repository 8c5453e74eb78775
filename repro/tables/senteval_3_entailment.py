"""Of SentEval's Tables 3 and 4: accuracy × 100 on SICK-E and SNLI, a regressor's Pearson's r × 100 on SICK-R and STS-B.

    make senteval-3        (repro table senteval-3; --probe exact leaves all but one column out)

The regressor is supervised: it learns from gold scores, and its numbers say nothing of those by cosine that the other
tables have of the same two sets. Both protocols stand here, under headings of their own. Expect, without a model hub,
all-MiniLM-L6-v2 at 82.85 on SICK-E, 86.54 on SICK-R and 82.12 on STS-B, GloVe on SICK's words and scratch-bert, in ten
minutes on two cores; `make base` and `make glove` bring all-mpnet-base-v2 and GloVe with 50 dimensions. SNLI is the
user's to bring.
"""

from repro.encoders.zoo import ZOO
from repro.evaluation.systems import Pretrained
from repro.tables import demo, scratch
from repro.tables.columns import glove_50d_rows
from repro.tables.spec import BEYOND, AnyColumn, Column, ColumnRef, Ref, Row, Table, outside_row, zoo_row

WORDS, TRAINED = "Word vectors", "Trained encoders, quoted"
MAIN = "SentEval's classifier (accuracy), and its trained regressor (Pearson's r, supervised)"
COSINE = "The same pairs by cosine, nothing trained: another protocol (Pearson's r)"
GRADED = {"sickr": "SICK-R", "stsb": "STS-B"}


def regressor(metric: str, end: str, section: str) -> list[AnyColumn]:
    """SICK-R and STS-B by the trained regressor."""
    return [
        Column(f"{task}-regressor{end}", f"{label}, regressor", f"{task}-regressor", f"regressor-{metric}", section)
        for task, label in GRADED.items()
    ]


COLUMNS: tuple[AnyColumn, ...] = (
    Column("sicke-adam", "SICK-E", "sicke-adam", "accuracy", MAIN),
    Column("snli-adam", "SNLI", "snli-adam", "accuracy", MAIN),
    *regressor("pearson", "", MAIN),
    *regressor("spearman", "-spearman", "Spearman's ρ of the trained regressor"),
    *regressor("mse", "-mse", "Mean squared error ↓ of the trained regressor"),
    *(
        Column(f"{task}-cosine", f"{label}, cosine", f"{task}-senteval", "pearson-all", COSINE)
        for task, label in GRADED.items()
    ),
    Column("sicke", "SICK-E", "sicke", "accuracy", "Exact probe (accuracy)"),
    Column("sicke-adam-dev", "SICK-E", "sicke-adam", "dev-accuracy", "On the dev sets"),
    Column("snli-adam-dev", "SNLI", "snli-adam", "dev-accuracy", "On the dev sets"),
    *regressor("dev-pearson", "-dev", "On the dev sets"),
)
IN_README = {
    "sicke-adam": ColumnRef("SICK Entailment", "accuracy %"),
    "sickr-regressor": ColumnRef("SICK Relatedness", "Pearson (0-1, SentEval regressor)"),
    "stsb-regressor": ColumnRef("STS Benchmark", "Pearson x100 (SentEval regressor)"),
    "stsb-regressor-spearman": ColumnRef("STS Benchmark", "Spearman x100 (SentEval regressor)"),
}
GLOVE_AS_REPORTED = Ref(
    "third-party",
    "issue / JSON",
    "{}",  # each protocol is a system of its own there
    "re-run by third party",
    {
        "stsb-regressor": ColumnRef("STS-B", "Pearson x100", protocol="GloVe BoW, SentEval regressor"),
        "stsb-cosine": ColumnRef("STS-B", "Pearson x100", protocol="GloVe.840B BoW, cosine only"),
    },
)


def readme(system: str) -> Ref:
    return Ref("senteval", "README table", system, "SentEval", IN_README)


def sick_words(slug: str, label: str) -> Row:
    """Real vectors of GloVe 840B for the words of SICK, which are all that can be had without the 5 GB file."""
    columns = tuple(column.slug for column in COLUMNS if column.slug.startswith("sick"))
    return Row(slug, label, BEYOND, Pretrained(ZOO[slug].plain, columns, "these vectors cover the words of SICK only"))


TABLE = Table(
    id="senteval-3",
    title="SentEval, of Tables 3 and 4: entailment and trained relatedness (accuracy and Pearson's r × 100)",
    paper="Conneau and Kiela, SentEval, LREC 2018; numbers from the README of InferSent and from SentEval#62",
    command="make senteval-3",
    rows=(
        zoo_row("glove-840b-bow", "GloVe 840B, bag of words", WORDS, GLOVE_AS_REPORTED),
        zoo_row("fasttext-bow", "fastText, bag of words", WORDS, readme("fastText-BoV")),
        outside_row("skip-thought", "SkipThought-LN", TRAINED, readme("SkipThought")),
        outside_row("infersent-1", "InferSent 1 (GloVe)", TRAINED, readme("InferSent1")),
        outside_row("infersent-2", "InferSent 2 (fastText)", TRAINED, readme("InferSent2")),
        zoo_row("bert-base-cls", "BERT-base, CLS", BEYOND),
        zoo_row("bert-base-avg", "BERT-base, mean of the last layer", BEYOND),
        zoo_row("sbert-nli-base", "SBERT-NLI-base", BEYOND),
        zoo_row("unsup-simcse-bert-base", "SimCSE-BERT-base, unsupervised", BEYOND),
        zoo_row("sup-simcse-bert-base", "SimCSE-BERT-base, supervised", BEYOND),
        zoo_row("all-minilm-l6-v2", "all-MiniLM-L6-v2", BEYOND),
        zoo_row("all-mpnet-base-v2", "all-mpnet-base-v2", BEYOND),
        sick_words("glove-840b-sick-whitespace", "GloVe 840B, SICK's words, blanks"),
        sick_words("glove-840b-sick-whitespace-lower", "GloVe 840B, SICK's words, blanks, lower-cased"),
        *glove_50d_rows(),
        *scratch.plain("token-embeddings", "cls", "avg"),
    ),
    columns=COLUMNS,
    demo=demo.plain("minilm-cls", "minilm-avg"),
    notes=(
        "SICK-E: features |u−v| and u·v, three classes, SentEval's classifier (see sbert-5) on its official split; the "
        "500 trial pairs choose the penalty and say when to stop (sick.py, tools/validation.py @5d6dc11).",
        "SNLI: features u, v, u·v and |u−v|, next to no penalty (1e-9), a check after each epoch, 16 epochs at most "
        "(snli.py). No exact probe: without a penalty there need be no optimum. Its files are yours to bring, as "
        "SentEval's get_transfer_data.bash writes them: s1, s2 and labels of train (549,367 pairs), dev (9,842) and "
        "test (9,824) below `.repro/data/downstream/SNLI`, or `downstream/SNLI/` of your own folder. Public copies of "
        "parts of it are no test of SNLI. Features: 9 GB for each thousand dimensions of an encoder, twice over.",
        "Regressor: supervised. A softmax layer on |u−v| and u·v learns the training pairs' gold scores as shares of "
        "five classes (Tai, Socher and Manning 2015, section 4.2) by their mean squared error: Adam, batches of 64, a "
        "check of Pearson's r on dev after every 50 epochs, over at the fourth fruitless one, seed 1111 (sick.py, "
        "tools/relatedness.py). What stock SentEval calls STSBenchmark and SICKRelatedness is this. The papers of the "
        "other tables score the same pairs by cosine: signatures say `regressor:senteval` here and `sim:cos` there.",
        "What GloVe gains by the regressor on STS-B: 64.74 of Pearson's r for 41.5 by cosine (SentEval#62).",
        "Its squared error is not convex, so there is no exact probe beside it, and numbers hang on the procedure.",
        "STS-B has scores from 0 to 5, but SentEval takes SICK's classes, 1 to 5, for both: no prediction is below 1 "
        "(SentEval#83). That is how the published numbers came about, and so it is done here; mean squared errors on "
        "STS-B suffer most.",
        "Text as in SentEval's files: Moses tokens, STS-B lower-cased, SICK not (get_transfer_data.bash).",
        "Published: the README of InferSent, which ran SentEval, and SentEval#62. Tables 3 and 4 of SentEval's paper "
        "are images in every copy that was found; what is known of them from memory alone is not shown.",
        "COCO, SentEval's image-caption retrieval, is left out. It projects sentences and images into one space and "
        "ranks them there, so half of what it measures are image features: 2,048 numbers of a ResNet-101 for each "
        "picture, which SentEval's script downloads as pickles (train.pkl, valid.pkl, test.pkl of coco_r101_feat). "
        "This suite scores sentences, reads no pickles, and has no such features in its registry.",
        "GloVe 840B on SICK's words: SentEval's bag of words with real vectors of the words of SICK as they are "
        "written; the comma's is missing. For “lower-cased” the words are looked up without their capitals.",
        scratch.NOTE + " Its text was kept clear of SICK and STS-B, but not of SNLI, of which it has sentences.",
    ),
)
