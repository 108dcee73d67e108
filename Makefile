# make train: environment, corpus, a model in a few minutes, poems.   make test: the whole test suite.
# make bench: training speed beside plain PyTorch, some 20 minutes.   make torture: 100 kills of training runs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: train test check bench torture install

train: install
	$(BIN)/python src/train.py

test: install
	$(BIN)/python -m pytest

bench: install
	$(BIN)/python bench/throughput.py

torture: install
	$(BIN)/python -m tests.torture

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@
