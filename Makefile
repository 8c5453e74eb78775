PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup demo table1 table2 table3 table4 table5 table6 table7 whitening flow simcse tables claims test test-slow verify bench clean

help:  ## show this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1|/' | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: .venv/.done  ## make .venv with the tested versions (once)

.venv/.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[offline,test,dev]'
	@touch $@

demo: setup  ## every table on the embedded data set, small trainings included, offline
	@$(BIN)/repro demo

table1: setup  ## Sentence-BERT Table 1: fetch, encode, score, write tables/sbert-1.*
	@$(BIN)/repro table sbert-1

table2: setup  ## Sentence-BERT Table 2: trains on STS-B, write tables/sbert-2.*
	@$(BIN)/repro table sbert-2

table3: setup  ## Sentence-BERT Table 3: argument similarity, write tables/sbert-3.*
	@$(BIN)/repro table sbert-3

table4: setup  ## Sentence-BERT Table 4: Wikipedia sections, write tables/sbert-4.*
	@$(BIN)/repro table sbert-4

table5: setup  ## Sentence-BERT Table 5: SentEval transfer, two classifiers, write tables/sbert-5.*
	@$(BIN)/repro table sbert-5

table6: setup  ## Sentence-BERT Table 6: pooling and concatenation, write tables/sbert-6.*
	@$(BIN)/repro table sbert-6

table7: setup  ## Sentence-BERT Table 7: sentences a second on this machine, write tables/sbert-7.*
	@$(BIN)/repro table sbert-7

whitening: setup  ## BERT-whitening Tables 1 and 2, write tables/whitening-*
	@$(BIN)/repro table whitening-1 && $(BIN)/repro table whitening-2

flow: setup  ## BERT-flow Tables 2 and 3, write tables/flow-*
	@$(BIN)/repro table flow-2 && $(BIN)/repro table flow-3

simcse: setup  ## SimCSE Tables 5, 6, B.2 and E.1: trains on two samples, write tables/simcse-*
	@for table in 5 6 b2 e1; do $(BIN)/repro table simcse-$$table || exit; done

tables: table1 table2 table3 table4 table5 table6 table7 whitening flow simcse  ## all of them

claims: setup  ## the papers' findings, held against published and measured numbers
	@$(BIN)/repro claims

test: setup  ## lint, types and every test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(BIN)/pytest -n auto --dist worksteal

test-slow: setup  ## checks that take minutes: the probe on whole data sets, the local executor, many argument lists
	@$(BIN)/pytest -n auto --dist worksteal -m slow

verify: setup  ## hold the committed tables against the ledger
	@$(BIN)/repro verify && $(BIN)/repro verify --suite mini

bench: setup  ## print speed ratios against sentence-transformers
	@$(BIN)/repro bench encode --sentences 6000 && $(BIN)/repro bench glove && $(BIN)/repro bench score
	@$(BIN)/repro bench probe --repeats 1
	@$(BIN)/repro bench train --sentences 320 --repeats 1
	@$(BIN)/repro bench fit && $(BIN)/repro bench search
	@$(BIN)/repro bench memory && $(BIN)/repro bench static && $(BIN)/repro bench again

clean:  ## remove .venv and everything that was fetched or computed
	rm -rf .venv .repro
