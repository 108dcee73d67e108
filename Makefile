PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help poem train quick test check bench torture shipped derivation install install-dev

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

poem: install  ## environment, and poems by the model that comes with the project
	$(BIN)/python src/sample.py rhyme=true tones=loose candidates=16

train: install  ## environment, corpus, a model in a few minutes, poems
	$(BIN)/python src/train.py

quick: install-dev  ## the tests that take less than a minute together
	$(BIN)/python -m pytest -m "not slow"

test: install-dev  ## all tests, some minutes
	$(BIN)/python -m pytest

check: install-dev  ## lint, format, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install  ## training speed beside plain PyTorch, some 20 minutes
	$(BIN)/python bench/throughput.py

torture: install-dev  ## 100 kills of training runs, which end as if nothing had been
	$(BIN)/python -m tests.torture

shipped: install  ## the model that comes with the project again; run it again after a stop
	$(BIN)/python src/train.py experiment=shipped hydra.run.dir=outputs/shipped/both
	$(BIN)/python src/train.py experiment=shipped_tang init_from=outputs/shipped/both hydra.run.dir=outputs/shipped/tang
	$(BIN)/python src/export.py ckpt=outputs/shipped/tang dtype=bfloat16 to=src/tang/shipped/model.safetensors overwrite=true

derivation: install  ## the gradients derived, as one HTML file that opens anywhere
	$(PIP) -q -e '.[docs]'
	$(BIN)/python docs/standalone.py docs/derivation.md outputs/derivation.html

install: .venv/installed  ## the environment for training and writing

install-dev: .venv/installed-dev  ## that and all extras, tests and checks

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(PIP) -e .
	touch $@

.venv/installed-dev: .venv/installed
	$(PIP) -e '.[dev]'
	touch $@
