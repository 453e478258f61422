# `make help` lists what there is.
SHELL := /bin/bash
PYTHON ?= /usr/bin/python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench
INSTALL := pip install --quiet --disable-pip-version-check

.PHONY: help up down status logs clean ha-up ha-down chaos venv lint test test-matrix bench migration lock

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

up: ## install, start, load a city, ask for a route (OSM=file CRIME=file CITY=name)
	@deploy/local/packages.sh run
	@$(MAKE) -s $(VENV)/.runtime
	@$(BIN)/saferoute stack up $(if $(OSM),--osm "$(OSM)") $(if $(CRIME),--crime "$(CRIME)") $(if $(CITY),--city "$(CITY)")

down: $(VENV)/.runtime ## stop it; the data stay
	@$(BIN)/saferoute stack down

status: $(VENV)/.runtime ## what runs where
	@$(BIN)/saferoute stack status

logs: $(VENV)/.runtime ## the last lines of every log
	@$(BIN)/saferoute stack logs

clean: $(VENV)/.runtime ## stop it and delete its data; asks unless YES=1
	@$(BIN)/saferoute stack clean $(if $(filter 1,$(YES)),--yes)

ha-up: ## a highly available cluster on simulated hosts of this machine (root)
	@deploy/local/packages.sh ha
	@$(MAKE) -s $(VENV)/.runtime
	@$(BIN)/saferoute ha up $(if $(INVENTORY),--inventory "$(INVENTORY)")

ha-down: $(VENV)/.runtime ## remove it: hosts, processes, files
	@$(BIN)/saferoute ha down $(if $(INVENTORY),--inventory "$(INVENTORY)")

chaos: ## break a cluster of simulated hosts in many ways, for an hour (root; SCENARIO=name)
	@deploy/local/packages.sh chaos
	@$(MAKE) -s venv
	$(BIN)/pytest tests/ha -m "chaos or not chaos" $(if $(SCENARIO),-k "$(SCENARIO)")
	$(if $(SCENARIO),,SAFEROUTE_TEST_TLS=1 $(BIN)/pytest tests/ha/test_faults.py)

venv: $(VENV)/.installed ## .venv with the pinned versions

# What the product needs, then what its developers need.
$(VENV)/.runtime: pyproject.toml requirements.lock
	@deploy/local/packages.sh python
	@echo "saferoute: installing Python packages into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/$(INSTALL) -r requirements.lock
	@$(BIN)/$(INSTALL) --no-deps --editable .
	@touch $@

$(VENV)/.installed: $(VENV)/.runtime requirements-dev.lock
	@echo "saferoute: installing development packages into $(VENV)"
	@$(BIN)/$(INSTALL) -r requirements-dev.lock
	@touch $@

# What squawk judges; other rules hold for migrations that run without a transaction.
ALONE = $(shell grep -lE '^-- migration: .*no-transaction' migrations/*.sql)
TOGETHER = $(filter-out migrations/0001_% $(ALONE),$(wildcard migrations/*.sql))

lint: venv ## ruff, mypy strict, sqlfluff, squawk
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 0 --disable-progress-bar sql tests
	$(if $(TOGETHER),$(BIN)/squawk $(TOGETHER))
	$(if $(ALONE),$(BIN)/squawk --no-assume-in-transaction $(ALONE))

migration: venv ## the next migration, from what has changed in sql/ (NAME=add_a_thing; ANEW=1 writes the newest again)
	@$(BIN)/saferoute migrate new $(if $(NAME),"$(NAME)") $(if $(filter 1,$(ANEW)),--anew)

test: ## every test, on a throw-away cluster of its own
	@deploy/local/packages.sh test
	@$(MAKE) -s venv
	$(BIN)/pytest

test-matrix: venv ## the SQL suites on every PostgreSQL we support (root; PG=17, SUITES=partitions, MIRROR=address)
	@deploy/local/packages.sh bench
	@$(BIN)/python -m tests.matrix $(PG) $(if $(SUITES),--suites $(SUITES)) $(if $(MIRROR),--mirror $(MIRROR))

PEERS := bench/rpc/postgraphile bench/live/socketio

$(BENCH)/.installed: pyproject.toml requirements-bench.lock $(PEERS:=/package-lock.json)
	@deploy/local/packages.sh bench
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/$(INSTALL) -r requirements-bench.lock
	$(BENCH)/bin/$(INSTALL) --no-deps --editable .
	for peer in $(PEERS); do npm ci --prefix $$peer --no-audit --no-fund --loglevel error || exit; done
	touch $@

QUESTION ?= $(patsubst bench/%/run.py,%,$(sort $(wildcard bench/*/run.py)))

bench: $(BENCH)/.installed ## every benchmark, or one: make bench QUESTION=ingest
	@for question in $(QUESTION); do $(BENCH)/bin/python -m bench.$$question.run || exit; done

lock: ## pin the versions anew
	uv pip compile --quiet --universal --python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 -c requirements.lock --extra dev pyproject.toml -o requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --group ha -o requirements-ha.lock
	uv pip compile --quiet --universal --python-version 3.11 -c requirements.lock --extra bench pyproject.toml -o requirements-bench.lock
