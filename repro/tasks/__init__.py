"""What encoders are measured on: a data set, what of it counts, and a protocol."""

from __future__ import annotations

from repro.tasks.argument_similarity import ARGUMENT_TASKS
from repro.tasks.base import Task
from repro.tasks.closest_pair import CLOSEST_PAIR_TASKS
from repro.tasks.entailment import ENTAILMENT_TASKS
from repro.tasks.geometry import GEOMETRY_TASKS
from repro.tasks.lexical import LEXICAL_TASKS
from repro.tasks.question_answering import QUESTION_TASKS
from repro.tasks.relatedness import RELATEDNESS_TASKS
from repro.tasks.retrieval import RETRIEVAL_TASKS
from repro.tasks.sts import MEDIAN_TASKS, STS_TASKS
from repro.tasks.throughput import SPEED_TASKS
from repro.tasks.transfer import TRANSFER_TASKS
from repro.tasks.triplets import TRIPLET_TASKS
from repro.tasks.words import WORD_TASKS

TASKS: dict[str, Task] = {
    **STS_TASKS,
    **MEDIAN_TASKS,
    **LEXICAL_TASKS,
    **GEOMETRY_TASKS,
    **SPEED_TASKS,
    **CLOSEST_PAIR_TASKS,
    **ARGUMENT_TASKS,
    **TRIPLET_TASKS,
    **QUESTION_TASKS,
    **RETRIEVAL_TASKS,
    **TRANSFER_TASKS,
    **ENTAILMENT_TASKS,
    **RELATEDNESS_TASKS,
    **WORD_TASKS,
}

__all__ = ["TASKS"]
