# The whole of Sightline's upkeep. `make demo` and `make test` are all that a newcomer needs.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .cache/uv-tool/bin/uv)
RUN := $(UV) run --frozen --no-sync
# One process more than there are cores: many tests wait for a lease to run out, or for a server.
JOBS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)))
ROUNDS ?= 100
EIGHTH ?= 0
TESTS = $(RUN) pytest -n $(JOBS) --dist loadgroup
TIMES := .cache/test-times
# Compiled modules are kept, though the environment may say otherwise: the tests and the demo start
# hundreds of processes, and half the time of each would go into compiling.
export PYTHONDONTWRITEBYTECODE :=
# Where the test servers, Pulumi's engine and its provider are kept, for all checkouts.
export TOOLS_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/sightline/tools
# So is what mypy knows of each file, by its content: a fresh checkout need not begin from nothing.
export MYPY_CACHE_DIR ?= $(TOOLS_CACHE)/mypy

.PHONY: help setup demo cloud-demo up-demo test test-all test-eighth checks lint format types layers \
  unit chaos servers tools chromium test-times bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

.cache/uv-tool/bin/uv:
	@echo "uv is not on PATH: installing it from the package index into .cache/uv-tool"
	@$(PYTHON) -m venv .cache/uv-tool
	@.cache/uv-tool/bin/pip install --quiet uv

.venv/.synced: pyproject.toml uv.lock | $(filter .cache/%,$(UV))
	@$(UV) sync --frozen --quiet --extra gcp --extra gis --extra infra --extra telemetry --extra web
	@touch $@

setup: .venv/.synced  ## make the environment (.venv) from the lock file

demo: setup  ## render a street, run the whole job over it, show what was found
	@.venv/bin/sightline demo

cloud-demo: servers  ## the same on Google Cloud's emulators and a model simulator (KEEP=1 leaves them running)
	@$(RUN) python -m scripts.cloud_demo $(if $(KEEP),--keep)

up-demo: tools  ## pulumi up, the whole job in what it made, pulumi destroy, on this machine
	@$(RUN) python -m scripts.up_demo

test: checks unit  ## what every change must pass: checks of the code, the first tier of the tests

test-all: checks chromium  ## everything: both tiers of the tests, and what they cover
	$(TESTS) --junitxml=$(TIMES)/first.xml -m "not extended" --cov --cov-report=
	$(TESTS) --junitxml=$(TIMES)/second.xml -m extended --cov --cov-append --cov-report=term:skip-covered

test-eighth: setup tools chromium  ## an eighth of the second tier (EIGHTH=0 to 7)
	$(TESTS) --junitxml=$(TIMES)/eighth.xml -m extended --eighth $(EIGHTH)

checks: setup  # the tools are built meanwhile
	@$(MAKE) --no-print-directory -j2 tools lint types layers

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

unit: setup tools chromium  ## the first tier of the tests, in parallel
	$(TESTS) --junitxml=$(TIMES)/first.xml -m "not extended"

chaos: setup servers  ## everything fails at once, round after round (ROUNDS=300 SEED=1)
	CHAOS_ROUNDS=$(ROUNDS) CHAOS_SEED=$(strip $(or $(SEED),$(shell od -An -N3 -tu4 /dev/urandom))) \
	  $(RUN) pytest -n0 tests/chaos/test_rounds.py

# Build the tools that are named, or all; what is there already is not built again.
build = $(if $(shell command -v go),$(RUN) python scripts/build_tools.py $(1) >/dev/null, \
  echo "Go is absent: tests against Google Cloud's servers are skipped")

servers: setup  ## build the servers that stand in for Google Cloud (Go needed)
	@$(call build,pstest fake-gcs-server bigquery-emulator)

tools: setup  ## build these servers, Pulumi's engine and its provider (Go needed)
	@$(call build,)

chromium:  ## install the browser of the tests, as root on Debian or Ubuntu; elsewhere say how
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  apt-get -o Acquire::Retries=5 update -qq && apt-get -o Acquire::Retries=5 install -y -qq \
	  --no-install-recommends chromium >/dev/null; } || \
	  echo "Chromium is absent: tests in a browser are skipped; the system's packages have it"

test-times:  ## write how long each suite took in the last runs here into CONTRIBUTING.md
	@$(RUN) python -m scripts.test_times

bench: setup  ## run the benchmarks and write docs/benchmarks.md
	$(RUN) python -m bench

clean:  ## remove what the targets above made
	rm -rf .venv .cache dist build demo cloud-demo up-demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
