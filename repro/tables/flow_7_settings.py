"""BERT-flow Table 7: the settings of the flow, beside those of this suite's rows.

    make flow-7        (repro table flow-7)

Nothing is measured: the suite's are those of every flow that is not told otherwise, such as flow-2's.
"""

from repro.postprocessing.settings import FlowSettings
from repro.tables.facts import Facts


def own() -> dict[tuple[str, str], str]:
    """The settings of a flow, unless others are named."""
    flow = FlowSettings()
    settings = {"Coupling width": flow.width, "#levels": flow.levels, "Depth": flow.depth}
    return {("flow", name): str(value) for name, value in settings.items()}


FACTS = Facts(
    id="flow-7",
    title="BERT-flow, Table 7: settings of the flow",
    paper="Li, Zhou, He, Wang, Yang and Li, On the Sentence Embeddings from Pre-trained Language Models, 2020, Table 7",
    command="make flow-7",
    source=("flow", "Table 7"),
    own=own,
    named_in="task",
    notes=(
        "Two levels are the paper's. Its code's default is three (config_l3_d3_w32, run_siamese.py:127), and its "
        "README's commands leave it at that; SimCSE's authors ran three (`levels=3`, `flow3` in the zoo).",
        "The paper's couplings are a “3-layer CNN with residual connection”. On a vector such a network is three dense "
        "layers, and in its code the coupling adds what they give (`coupling=additive`).",
        "Training: one epoch at 1e-3 on the target, 0.15 epochs at 2e-5 on NLI, 32 pairs a step, weight decay 0.01 "
        "(text, and its code's defaults); `repro list encoders` shows all settings of each flow.",
    ),
)
