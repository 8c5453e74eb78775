"""Regenerates the published tables of Sentence-BERT, BERT-flow, BERT-whitening and SimCSE."""

__version__ = "0.3.0"
