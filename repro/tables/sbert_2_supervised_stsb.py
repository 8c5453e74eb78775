"""Sentence-BERT Table 2: Spearman's ρ × 100 on the STS benchmark's test set, after training on it.

    make table2        (repro table sbert-2; --base MODEL trains another one, --seeds and --sample cut the work)

Three blocks: not trained on STS-B, trained on it, trained on NLI before it; cross-encoders (BERT) and sentence encoders
(SBERT), ten seeds each. A GPU trains a base model in minutes a seed; two CPU cores want a day for each row. Without a
model hub expect all-MiniLM-L6-v2, test (dev): 82.03 (86.72) before and 85.84 ± 0.24 (89.55 ± 0.00) after, three seeds,
seventy minutes on one core.
"""

from repro.encoders.zoo import BERT_BASE, BERT_LARGE, MINILM, ROBERTA_BASE, ROBERTA_LARGE
from repro.tables import demo, scratch
from repro.tables.columns import in_ledger, released_row
from repro.tables.spec import BEYOND, Column, Ref, Row, Setup, Table, outside_row, zoo_row
from repro.training import setups

WITHOUT = "Not trained for STS"
STSB = "Trained on the STS benchmark"
NLI_STSB = "Trained on NLI, then on the STS benchmark"
COLUMNS = (Column("stsb", "STSb test", "stsb"), Column("stsb-dev", "STSb dev", "stsb-dev"))
SEEDS = 10
IN_LEDGER = in_ledger({"stsb": "STSb test"})


def paper(system: str) -> Ref:
    return Ref("sbert", "Table 2", system, columns=IN_LEDGER)


def released(name: str) -> Ref:
    return Ref("st-docs", "pre-trained models list", name, columns=IN_LEDGER)


def setup(name: str, label: str) -> Setup:
    return Setup(name, label, tuple((column.slug, setups.SETUPS[name]) for column in COLUMNS))


SETUPS = {
    "cross-stsb": setup("cross-stsb", "cross-encoder, STS-B"),
    "stsb": setup("stsb", "sentence encoder, STS-B"),
    "cross-nli-stsb": setup("cross-nli-stsb", "cross-encoder, NLI, STS-B"),
    "nli-stsb": setup("nli-stsb", "sentence encoder, NLI, STS-B"),
}


def block(group: str, middle: str, cross: str, sentence: str) -> tuple[Row, ...]:
    """The six rows of a block: BERT, SBERT and SRoBERTa, base and large."""
    rows = []
    for size, bert, roberta in (("base", BERT_BASE, ROBERTA_BASE), ("large", BERT_LARGE, ROBERTA_LARGE)):
        for kind, name, base in (("BERT", cross, bert), ("SBERT", sentence, bert), ("SRoBERTa", sentence, roberta)):
            label = f"{kind}-{middle}-{size}"
            rows.append(SETUPS[name].row(base, label.lower(), label, group, paper(label), SEEDS))
    return tuple(rows)


TABLE = Table(
    id="sbert-2",
    title="Sentence-BERT, Table 2: STS benchmark, supervised (Spearman's ρ × 100)",
    paper="Reimers and Gurevych, Sentence-BERT, EMNLP-IJCNLP 2019, Table 2",
    command="make table2",
    rows=(
        zoo_row("glove-avg", "Avg. GloVe embeddings", WITHOUT, paper("Avg. GloVe embeddings")),
        zoo_row("bert-base-avg-service", "Avg. BERT embeddings", WITHOUT, paper("Avg. BERT embeddings")),
        outside_row("infersent", "InferSent - GloVe", WITHOUT, paper("InferSent - GloVe")),
        outside_row("use", "Universal Sentence Encoder", WITHOUT, paper("Universal Sentence Encoder")),
        zoo_row("sbert-nli-base", "SBERT-NLI-base", WITHOUT, paper("SBERT-NLI-base")),
        zoo_row("sbert-nli-large", "SBERT-NLI-large", WITHOUT, paper("SBERT-NLI-large")),
        *block(STSB, "STSb", "cross-stsb", "stsb"),
        *block(NLI_STSB, "NLI-STSb", "cross-nli-stsb", "nli-stsb"),
        zoo_row(
            "sbert-nli-stsb-base-released",
            "bert-base-nli-stsb-mean-tokens, as released",
            BEYOND,
            released("bert-base-nli-stsb-mean-tokens"),
        ),
        zoo_row(
            "sbert-nli-stsb-large-released",
            "bert-large-nli-stsb-mean-tokens, as released",
            BEYOND,
            released("bert-large-nli-stsb-mean-tokens"),
        ),
        released_row("all-minilm-l6-v2", {"stsb": "STSBenchmark"}, " before, as released"),
        SETUPS["stsb"].row(MINILM, "minilm-stsb", "all-MiniLM-L6-v2, trained on STS-B", BEYOND, seeds=3),
        *scratch.plain("avg"),
        *scratch.trained(COLUMNS, "sbert-nli", "stsb", "nli-stsb"),
    ),
    columns=(*COLUMNS,),  # those that are trained for; one that is not may stand beside them
    setups=tuple(SETUPS.values()),
    demo=(*demo.plain("minilm-avg"), demo.trained(SETUPS["stsb"]), demo.trained(SETUPS["cross-stsb"])),
    seeds=SEEDS,
    notes=(
        "Mean and standard deviation over seeds 0, 1, …; the paper: ten seeds (caption of Table 2).",
        "Sentence encoders: squared error between cosine and gold / 5, four epochs, batch 16, learning rate 2e-5, "
        "warm-up over 10 % of the steps, 128 tokens, mean of the last layer.",
        "Cross-encoders (BERT): both sentences in, one number out, squared error to the gold score, as BERT is "
        "fine-tuned on GLUE. The paper does not say more; the pooled output has its dropout.",
        "The model kept is the best of those looked at on STS-B's dev set every 1,000 steps and at the end "
        "(training_nli_bert.py:51-71, v0.2.3), so the dev column is what selection saw.",
        "NLI first: one NLI model (seed 0), from which every STS-B seed continues.",
        "STS-B: 5,749 training pairs, raw text; the test column is that of Table 1.",
        setups.ERA,
        scratch.NOTE,
    ),
)
