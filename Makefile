# make book [PROFILE=demo] [DATA=folder]    run what is out of date, render the report
# make test                                 run the tests, apart from those marked long
# make test-all                             run all of them
# make lint                                 check style and types
# make bench                                time the fast paths beside the slow ones (half an hour)
# make clean                                remove results, pages and caches; .venv stays
PROFILE ?= demo
DATA ?=
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
BIN := $(VENV)/bin
# pip compiles one file after another. Some files of libraries are for other versions of Python.
COMPILE := $(BIN)/python -m compileall -qq -j 0 -x '/tests?/' $(VENV)/lib || true
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-compile
# Where compiled files are switched off, as in many containers, every process would compile anew what
# it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: book test test-all lint bench clean
.DEFAULT_GOAL := book

book: $(STAMP)
	@$(BIN)/python -P -m lembas book --profile "$(PROFILE)" $(if $(DATA),--data "$(DATA)")

# In the order of the files' names: files with few tests may be the longest.
test: $(STAMP)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder -m "not long"

test-all: $(STAMP)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

lint: $(STAMP)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: $(STAMP)
	@OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m tests.bench

clean:
	rm -rf results _build book/chapters .snakemake .pytest_cache .ruff_cache .mypy_cache .hypothesis

# The stamp is written last: after a failed installation the next call installs again.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "lembas needs Python >= 3.11, and $(PYTHON) is older or missing: make PYTHON=python3.11 ..." >&2; exit 1; }
	@rm -f $(STAMP)
	@echo "setting up $(VENV) from requirements.lock (a few minutes, once)"
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PIP) -q $$(grep '^pip==' requirements.lock)
	@$(PIP) -r requirements.lock
	@$(PIP) -q --no-deps --no-build-isolation -e .
	@$(COMPILE)
	@touch $(STAMP)
	@echo "$(VENV) is ready"
