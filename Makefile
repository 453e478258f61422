# `make help` lists what there is.
SHELL := /bin/bash
PYTHON ?= /usr/bin/python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench

.PHONY: help venv lint test bench lock

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

venv: $(VENV)/.installed ## .venv with the pinned versions

$(VENV)/.installed: pyproject.toml requirements-dev.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

lint: venv ## ruff, mypy strict, sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 0 --disable-progress-bar sql tests

test: venv ## every test, on a throw-away cluster of its own
	$(BIN)/pytest

$(BENCH)/.installed: pyproject.toml requirements-bench.lock
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install --quiet --disable-pip-version-check -r requirements-bench.lock
	$(BENCH)/bin/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

QUESTION ?= $(patsubst bench/%/run.py,%,$(sort $(wildcard bench/*/run.py)))

bench: $(BENCH)/.installed ## every benchmark, or one: make bench QUESTION=ingest
	@for question in $(QUESTION); do $(BENCH)/bin/python -m bench.$$question.run || exit; done

lock: ## pin the versions anew
	uv pip compile --quiet --universal --python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --extra dev pyproject.toml -o requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --extra bench pyproject.toml -o requirements-bench.lock
