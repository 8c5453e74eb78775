"""Regenerates the published tables of Sentence-BERT, BERT-flow, BERT-whitening and SimCSE.

import repro

encoder = repro.load_encoder("all-minilm-l6-v2")       # .encode(sentences) gives float32 (n, d)
measured = repro.evaluate(encoder, ["sts12", "stsb"])  # any encoder of your own, or a table: "sbert-1"
measured.to_frame()                                    # pandas, one line a number
repro.results("sbert-1")                               # a table's numbers, as they were written or stored
"""

from repro.api import Results, ResultsRoom, evaluate, load_encoder
from repro.encoders.base import Encoder, PairScorer, SentEval
from repro.errors import NotAvailable, ReproError
from repro.version import __version__

results = ResultsRoom.opened()

__all__ = ["Encoder", "NotAvailable", "PairScorer", "ReproError", "Results", "SentEval"]
__all__ += ["__version__", "evaluate", "load_encoder", "results"]
