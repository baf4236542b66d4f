# `make` lists the targets. Every target sets up .venv by itself; a second call installs nothing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all test-faults test-gpu check format bench bench-gpu smoke tables figures report clean

help: ## List the targets
	@grep -hE '^[a-z0-9%-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(INSTALLED) ## Set up .venv with everything, development tools included

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else f"error: Python {v[0]}.{v[1]} is not supported; run make PYTHON=python3.11 (3.11 to 3.13).")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(INSTALLED) ## Train ACG-EmoCluster semi-supervised on the built-in corpus and print its test CCC
	$(BIN)/python -m experiments.run experiment=demo

test: $(INSTALLED) ## Run the test suite
	$(BIN)/python -m pytest

test-all: $(INSTALLED) ## Run the test suite, slow tests included
	$(BIN)/python -m pytest -m 'not gpu'

check: $(INSTALLED) ## Lint, formatting, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Kills and refusals at every system call that writes; FAULT_CASES=20 takes an even draw of them.
FAULT_CASES ?= all

test-faults: $(INSTALLED) ## Plant faults: damage, hostile files, kills at every call that writes (some hours)
	FAULT_CASES=$(FAULT_CASES) $(BIN)/python -m pytest -m faults

test-gpu: $(INSTALLED) ## Run what only a machine with a GPU can show
	$(BIN)/python -m pytest -n 0 -m gpu tests/gpu

bench: $(INSTALLED) ## Measure what a chunk, a round and a clustering cost on this machine
	$(BIN)/python -m experiments.bench chunks
	$(BIN)/python -m experiments.bench rounds
	$(BIN)/python -m experiments.bench kmeans
	$(BIN)/python -m experiments.bench processes --labeled 192 --unlabeled 128
	$(BIN)/python -m experiments.bench batches --labeled 2000 --repeats 5
	$(BIN)/python -m experiments.bench orders
	$(BIN)/python -m experiments.bench starts
	$(BIN)/python -m experiments.bench extraction --labeled 8000
	$(BIN)/python -m experiments.bench trainer --labeled 256 --repeats 5
	$(BIN)/python -m experiments.bench released
	$(BIN)/python -m experiments.bench attention
	$(BIN)/python -m experiments.bench scale

bench-gpu: $(INSTALLED) ## The same on its GPU, rounds of 60,000 sentences
	$(BIN)/python -m experiments.bench chunks --gpu --sentences 64
	$(BIN)/python -m experiments.bench rounds --gpu --labeled 20000 --unlabeled 40000
	$(BIN)/python -m experiments.bench kmeans --gpu --points 165000 660000
	$(BIN)/python -m experiments.bench trainer --gpu --labeled 6400 --repeats 5

smoke: $(INSTALLED) ## Chain prepare, run, interrupt, resume, evaluate, predict on tiny real trainings of two models
	$(BIN)/python -m pytest -m slow tests/experiments/test_smoke.py

# What the tables' targets take: SCALE=tiny, small or full; FIDELITY=released, paper or both; OPTIONS of every run.
SCALE ?= full
FIDELITY ?=
OPTIONS ?=
TABLES = $(BIN)/python -m experiments.tables --scale $(SCALE) $(if $(FIDELITY),--fidelity $(FIDELITY))

tables: $(INSTALLED) ## Every table of the papers and every control: SCALE=tiny|small|full OPTIONS="data.root=…"
	$(TABLES) all $(OPTIONS)

table-%: $(INSTALLED) ## One table, as table-temporal_3
	$(TABLES) $* $(OPTIONS)

# Of `figures`: run directories; by default all that are finished.
RUNS ?= $(dir $(wildcard runs/*/DONE))

figures: $(INSTALLED) ## Figures of finished runs: RUNS="runs/… runs/…"
	$(BIN)/python -m experiments.figures $(RUNS)

report: $(INSTALLED) ## All tables and runs on one page, results/report.html; with SCALE=tiny its tables first
	$(if $(filter command line environment,$(origin SCALE)),$(TABLES) all $(OPTIONS))
	test -z "$$(find results -name table.json 2>/dev/null)" || $(BIN)/python -m experiments.figures --only transitions results
	$(BIN)/python -m experiments.page

clean: ## Remove the virtual environment and caches (runs and stores stay)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache *.egg-info
