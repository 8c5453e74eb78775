"""BERT-flow Table 7: the settings of the flow, beside those of this suite's rows.

    make flow-7        (repro table flow-7)

Nothing is measured: a cell is a field of the recipe that rows of flow-2 and simcse-5 are computed with.
"""

from repro.encoders.zoo import ZOO
from repro.evaluation.settings import Settings
from repro.tables.columns import in_ledger
from repro.tables.spec import Ref, Row, Setting, Table

IN_LEDGER = in_ledger({"levels": "#levels", "depth": "Depth", "width": "Coupling width"})


def flow(slug: str, label: str, group: str, published: Ref) -> Row:
    """The settings of a flow of the zoo."""
    recipe = ZOO[slug].fitted
    assert recipe is not None
    return Row(slug, label, group, Settings(recipe), published)


ROWS = (
    flow("bert-base-flow-target", "Flow of Tables 2 and 3", "Paper", Ref("flow", "Table 7", "flow", columns=IN_LEDGER)),
    flow(
        "bert-base-flow3-target",
        "Flow of SimCSE's tables",
        "The published code's default (config_l3_d3_w32)",
        Ref("flow", "repo default", "flow", columns=IN_LEDGER),
    ),
)
TABLE = Table(
    id="flow-7",
    title="BERT-flow, Table 7: settings of the flow",
    paper="Li, Zhou, He, Wang, Yang and Li, On the Sentence Embeddings from Pre-trained Language Models, 2020, Table 7",
    command="make flow",
    rows=ROWS,
    columns=(Setting("levels", "levels"), Setting("depth", "depth"), Setting("width", "coupling width")),
    demo=ROWS,
    decimals=0,
    notes=(
        "The paper's couplings are a “3-layer CNN with residual connection”. On a vector such a network is three dense "
        "layers, and in its code the coupling adds what they give (`coupling=additive`).",
        "Training: one epoch at 1e-3 on the target, 0.15 epochs at 2e-5 on NLI, 32 pairs a step, weight decay 0.01 "
        "(text, and its code's defaults); `repro list encoders` shows all settings of each flow.",
    ),
)
