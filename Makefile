PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup demo table1 table5 test test-slow verify bench clean

help:  ## show this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: .venv/.done  ## make .venv with the tested versions (once)

.venv/.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[offline,test,dev]'
	@touch $@

demo: setup  ## every table on the embedded data set, offline, in three minutes
	@$(BIN)/repro demo

table1: setup  ## Sentence-BERT Table 1: fetch, encode, score, write tables/sbert-1.*
	@$(BIN)/repro table sbert-1

table5: setup  ## Sentence-BERT Table 5: SentEval transfer, two classifiers, write tables/sbert-5.*
	@$(BIN)/repro table sbert-5

test: setup  ## lint, types and every test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(BIN)/pytest

test-slow: setup  ## checks that take minutes: the probe against scikit-learn on whole data sets
	@$(BIN)/pytest -m slow

verify: setup  ## hold the committed tables against the ledger
	@$(BIN)/repro verify && $(BIN)/repro verify --suite mini

bench: setup  ## print speed ratios against sentence-transformers
	@$(BIN)/repro bench encode --sentences 6000 && $(BIN)/repro bench glove && $(BIN)/repro bench score
	@$(BIN)/repro bench probe --repeats 1

clean:  ## remove .venv and everything that was fetched or computed
	rm -rf .venv .repro
