"""BERT-flow Table 5: Spearman's ρ × 100 on the STS benchmark under simpler calibrations than a flow.

    make flow-5        (repro table flow-5)

Standard normalisation (SN), the top k singular vectors nulled away (NATSV), and both, over the mean of BERT-base's last
layer; whitening beside them, which is from a later paper. Without a model hub expect all-MiniLM-L6-v2 and scratch-bert,
mean and first-last; each plain, under every calibration of the paper, whitened, and flowed with five seeds. The
first-last of scratch-bert: 41.61, SN 41.56, NATSV 51.71 (k = 10), both 52.57 (k = 6), flowed 60.80, whitened 63.46.
"""

from collections.abc import Iterator

from repro.encoders.recipe import CalibratedRecipe, FittedRecipe, FlowedRecipe, TransformerRecipe, WhitenedRecipe
from repro.encoders.zoo import transformer
from repro.evaluation.systems import system_of
from repro.tables import demo, scratch
from repro.tables.columns import FLOWED, geometry, in_ledger
from repro.tables.spec import BEYOND, FLOW_SEEDS, Column, Ref, Row, Table

BERT = "BERT-base, mean of the last layer"
IN_LEDGER = in_ledger({"stsb": "STS-B test"})


def printed(base: TransformerRecipe) -> dict[str, tuple[str, FittedRecipe]]:
    """The maps of the paper's table over a base: how a row's slug ends, how its label does, and its recipe."""
    return {
        "sn": (" + SN", CalibratedRecipe(base)),
        "natsv-1": (" + NATSV (k=1)", CalibratedRecipe(base, scaling="none", k=1)),
        "natsv-10": (" + NATSV (k=10)", CalibratedRecipe(base, scaling="none", k=10)),
        "sn-natsv-1": (" + SN + NATSV (k=1)", CalibratedRecipe(base, k=1)),
        "sn-natsv-6": (" + SN + NATSV (k=6)", CalibratedRecipe(base, k=6)),
        "flow-target": ("-flow (target)", FlowedRecipe(base)),
    }


def further(base: TransformerRecipe) -> dict[str, tuple[str, FittedRecipe]]:
    """Maps that the paper's table has not: the other reading of NATSV, and whitening."""
    return {
        "centred-natsv-1": (" + NATSV (k=1), centred first", CalibratedRecipe(base, scaling="centre", k=1)),
        "centred-natsv-10": (" + NATSV (k=10), centred first", CalibratedRecipe(base, scaling="centre", k=10)),
        "whitening-target": (" + whitening (target)", WhitenedRecipe(base)),
    }


def row(slug: str, label: str, group: str, recipe: TransformerRecipe | FittedRecipe, published: Ref | None) -> Row:
    return Row(slug, label, group, system_of(recipe, FLOW_SEEDS), published)


def paper_rows(name: str, label: str) -> Iterator[Row]:
    """The paper's rows over a base of the zoo, then the further ones over it."""
    base = transformer(name)
    yield row(name, label, BERT, base, paper(label))
    for end, (words, recipe) in printed(base).items():
        yield row(f"{name}-{end}", label + words, BERT, recipe, paper(label + words))
    for end, (words, recipe) in further(base).items():
        yield row(f"{name}-{end}", label + words, BEYOND, recipe, None)


def own_rows(name: str, label: str) -> Iterator[Row]:
    """The same over a base that no paper has."""
    base = transformer(name)
    yield row(name, label, BEYOND, base, None)
    for end, (words, recipe) in {**printed(base), **further(base)}.items():
        yield row(f"{name}-{end}", label + words.replace("-flow", " + flow"), BEYOND, recipe, None)


def paper(system: str) -> Ref:
    return Ref("flow", "Table 5", system, columns=IN_LEDGER)


TABLE = Table(
    id="flow-5",
    title="BERT-flow, Table 5: other calibrations of embeddings, STS-B (Spearman's ρ × 100)",
    paper="Li, Zhou, He, Wang, Yang and Li, On the Sentence Embeddings from Pre-trained Language Models, 2020, Table 5",
    command="make flow-5",
    rows=(
        *paper_rows("bert-base-avg", "BERT-base"),
        *(own for name, label in FLOWED.items() for own in own_rows(name, label)),
    ),
    demo=(*demo.plain("minilm-avg"), *demo.calibrated(), *demo.flowed("flow", levels=2)),
    columns=(Column("stsb", "STS-B", "stsb"), *geometry()),
    notes=(
        "Every map is fitted, without labels, on the sentences of STS-B's train, dev and test pairs, repeats counted. "
        "The paper does not say on which sentences it took mean, deviation and singular vectors; these are those that "
        "its flow is fitted on.",
        "SN: each dimension less its mean, divided by its standard deviation; a dimension that does not vary becomes "
        "0.",
        "NATSV: without the projections on the top k right singular vectors of the sentence vectors. The paper names "
        "Mu and Viswanath (2018), who take the mean away first, and its words say singular vectors of the embeddings, "
        "as Arora et al. (2017) have them; its code has neither. The paper's rows are read as the words, the other "
        "reading stands beyond the paper (`post=remove-top,k=10,scaling=centre`). After SN both are the same.",
        "BERT-base is 47.29 here as in Table 2, the mean of the last layer; BERT-base-flow is 65.62 here and 70.72 in "
        "Table 2, whose flow is over layers 1 and 12: here it is taken to be over the last layer, as the rest.",
        "Flow: the settings of Table 2's rows.",
        scratch.NOTE,
    ),
)
