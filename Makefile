# Everything starts here: `make help`. Works with uv, or with Python's own venv and pip.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DURATION ?= 60
WORKERS ?= 3
SEEDS ?= 100
VENUE ?= binance
MODE ?= hedge
SIGNALS ?= 100000
# checks that import settings need values, but no server
# processes are started often, by the product and by its tests: compiled once
export PYTHONDONTWRITEBYTECODE :=

DUMMY := DATABASE_URL=postgresql:///none?host=/nonexistent REDIS_URL=redis://127.0.0.1:1/0 \
	SECRET_KEY=only-for-static-checks-0123456789abcdef FIELD_KEYS=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
	DRY_RUN=true PAPER_EXCHANGE_URL=http://127.0.0.1:9

.PHONY: help install up test coverage soak check dry-run verify bench faults intake recovery pictures starting-point clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##/\1\t/p' Makefile | expand -t 12

up: install  ## start everything (dry-run) and say where to look; ARGS="--port 8001" adds options
	@exec $(BIN)/python manage.py up --demo $(ARGS)

test: install  ## tests on real servers, of many of one kind a sample; ARGS="-k name" chooses, ARGS="--cov --cov-report=term" measures
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not soak" $(ARGS)

coverage: install  ## the same tests, with the branches they took: at least 80 of 100
	@$(MAKE) test ARGS="--cov --cov-report=term --cov-fail-under=80 $(ARGS)"

soak: install  ## the other cases, and the tests that kill and restart at length
	@$(BIN)/python -m pytest -m soak $(ARGS)

check: install  ## style, types, import contracts, migrations, architecture
	@$(BIN)/ruff check --no-cache .
	@$(BIN)/ruff format --check .
	@$(DUMMY) $(BIN)/mypy .
	@$(BIN)/lint-imports --no-cache
	@$(DUMMY) $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@if [ -d tests/architecture ]; then $(BIN)/python -m pytest -q tests/architecture; fi

dry-run: install  ## trade on paper for DURATION seconds, print the report, exit by it
	@exec $(BIN)/python manage.py up --dry-run --duration $(DURATION) --port 0 --fresh \
		--data var/dry-run --report var/dry-run/report.yaml

verify: install  ## ask the running installation whether it is fit to trade; ARGS="--data DIR"
	@exec $(BIN)/python manage.py verify $(ARGS)

bench: install  ## performance, as ratios to a floor of the same run
	@$(BIN)/python -m benchmarks $(ARGS)
	@$(BIN)/python -m benchmarks.protection
	@$(BIN)/python -m benchmarks.intake
	@$(BIN)/python -m benchmarks.doors
	@$(BIN)/python -m benchmarks.page
	@$(BIN)/python -m benchmarks.forecasts

faults: install  ## fault campaign over SEEDS worlds on VENUE in MODE, and with PROCESSES=50 against real ones (number or range)
	@$(BIN)/python -m tests.campaign --seeds $(SEEDS) --venue $(VENUE) --mode $(MODE) $(ARGS)
	@if [ -n "$(PROCESSES)" ]; then $(BIN)/python -m tests.campaign.processes --seeds $(PROCESSES) --venue $(VENUE); fi

intake: install  ## SIGNALS through every door while processes, Redis and PostgreSQL are killed
	@$(BIN)/python -m tests.intake_campaign --signals $(SIGNALS) $(ARGS)

recovery: install  ## seconds until 100 positions are proven protected after everything was killed
	@$(BIN)/python -m tests.campaign.process_recovery $(ARGS)

pictures: install  ## take docs/pictures anew from the demo that runs; ARGS="--url http://127.0.0.1:8000"
	@$(BIN)/python scripts/take_pictures.py $(ARGS)

starting-point: install  ## write down anew the schema that an empty database begins with
	@$(BIN)/python -m tests.starting_point

clean:  ## remove caches and the virtual environment; var/ (your data) stays
	@rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis htmlcov .coverage .coverage.*
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

install:
	@VENV="$(VENV)" STAMP="$(STAMP)" scripts/install.sh
