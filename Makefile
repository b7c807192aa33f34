# The whole of Sightline's upkeep. `make demo` and `make test` are all that a newcomer needs.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .cache/uv-tool/bin/uv)
RUN := $(UV) run --frozen --no-sync
JOBS ?= auto
ROUNDS ?= 100

.PHONY: help setup demo cloud-demo up-demo test lint format types layers unit chaos servers tools bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.cache/uv-tool/bin/uv:
	@echo "uv is not on PATH: installing it from the package index into .cache/uv-tool"
	@$(PYTHON) -m venv .cache/uv-tool
	@.cache/uv-tool/bin/pip install --quiet uv

.venv/.synced: pyproject.toml uv.lock | $(filter .cache/%,$(UV))
	@$(UV) sync --frozen --quiet --extra gcp --extra infra --extra telemetry
	@touch $@

setup: .venv/.synced  ## make the environment (.venv) from the lock file

demo: setup  ## render a street, run the whole job over it, show what was found
	@$(RUN) sightline demo

cloud-demo: servers  ## the same on Google Cloud's emulators and a model simulator (KEEP=1 leaves them running)
	@$(RUN) python -m scripts.cloud_demo $(if $(KEEP),--keep)

up-demo: servers  ## pulumi up, the whole job in what it made, pulumi destroy, on this machine
	@$(RUN) python -m scripts.up_demo

test: setup lint types layers unit  ## every check there is

lint: setup
	$(RUN) ruff format --check .
	$(RUN) ruff check .

format: setup  ## put the code in its form
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

types: setup
	$(RUN) mypy

layers: setup
	$(RUN) lint-imports

unit: setup servers
	$(RUN) pytest -n $(JOBS) --dist loadgroup

chaos: setup servers  ## everything fails at once, round after round (ROUNDS=300 SEED=1)
	CHAOS_ROUNDS=$(ROUNDS) CHAOS_SEED=$(strip $(or $(SEED),$(shell od -An -N3 -tu4 /dev/urandom))) \
	  $(RUN) pytest -n0 tests/chaos/test_rounds.py

servers: setup
	@$(if $(shell command -v go),$(RUN) python scripts/build_tools.py >/dev/null,echo "Go is absent: tests against Google Cloud's servers are skipped")

tools: setup  ## build the test servers that are missing (Go needed)
	@$(RUN) python scripts/build_tools.py

bench: setup  ## run the benchmarks and write docs/benchmarks.md
	$(RUN) python -m bench

clean:  ## remove what the targets above made
	rm -rf .venv .cache dist build demo cloud-demo up-demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
