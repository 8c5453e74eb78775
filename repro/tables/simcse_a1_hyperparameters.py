"""SimCSE Table A.1: batch size and learning rate of each model, beside those of this suite's trainings.

    make simcse-a1     (repro table simcse-a1)

Nothing is measured: the suite's are those with which it trains each base (`repro train unsup-simcse --base …`).
"""

from repro.encoders.recipe import TransformerRecipe
from repro.encoders.zoo import BERT_BASE, BERT_LARGE, ROBERTA_BASE, ROBERTA_LARGE
from repro.tables.facts import Facts
from repro.training.recipe import TrainedRecipe
from repro.training.setups import SUP_SIMCSE, UNSUP_SIMCSE, on

# as the ledger names the rows: what is trained, from which bases
TRAINED: dict[str, tuple[TrainedRecipe, tuple[TransformerRecipe, ...]]] = {
    "unsup BERT-base": (UNSUP_SIMCSE, (BERT_BASE,)),
    "unsup BERT-large": (UNSUP_SIMCSE, (BERT_LARGE,)),
    "unsup RoBERTa-base": (UNSUP_SIMCSE, (ROBERTA_BASE,)),
    "unsup RoBERTa-large": (UNSUP_SIMCSE, (ROBERTA_LARGE,)),
    "sup base (BERT and RoBERTa)": (SUP_SIMCSE, (BERT_BASE, ROBERTA_BASE)),
    "sup large (BERT and RoBERTa)": (SUP_SIMCSE, (BERT_LARGE, ROBERTA_LARGE)),
}


def own() -> dict[tuple[str, str], str]:
    """The settings of the suite's trainings; two bases that differ have both, with a stroke between."""
    settings = {}
    for system, (recipe, bases) in TRAINED.items():
        trained = [on(recipe, base) for base in bases]
        settings[system, "batch size"] = "/".join(dict.fromkeys(str(each.batch_size) for each in trained))
        settings[system, "learning rate"] = "/".join(dict.fromkeys(f"{each.learning_rate:g}" for each in trained))
    return settings


FACTS = Facts(
    id="simcse-a1",
    title="SimCSE, Table A.1: batch sizes and learning rates",
    paper="Gao, Yao and Chen, SimCSE, EMNLP 2021, Table A.1",
    command="make simcse-a1",
    source=("simcse", "Table A.1"),
    own=own,
    notes=(
        "Chosen by the paper among batches of 64, 128, 256 and 512 and rates of 1e-5, 3e-5 and 5e-5, on STS-B's dev "
        "set. A base that is none of these four is trained as BERT-base is.",
    ),
)
