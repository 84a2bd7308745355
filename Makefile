# Everything a user or a contributor runs. `make help` lists the targets.
SUITE ?=
SYSTEMS ?=
OUT ?=
REPEATS ?=
RUN ?=
BASELINE ?=
JUDGE ?=
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
REPEATED = $(if $(REPEATS),--repeats $(REPEATS))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help setup eval compare-approaches gate baseline test check format bench bench-diagnosis bench-reliability golden docs schemas clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 18

setup: $(VENV)/.done-core ## make the virtual environment with what `make eval` needs

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "evalkit needs Python 3.11 or newer on the PATH"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.done-core: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing evalkit into $(VENV) ..."
	@$(PIP) -e .
	@touch $@

$(VENV)/.done-dev: $(VENV)/.done-core
	@echo "Installing what tests and checks need ..."
	@$(PIP) -e ".[dev]"
	@touch $@

eval: $(VENV)/.done-core ## the main job offline; or your own: make eval SUITE=dir [SYSTEMS=file] [OUT=dir] [REPEATS=n]
ifeq ($(SUITE),)
	@rm -rf reports/helpdesk reports/invoices
	@$(BIN)/evalkit run datasets/invoices --out reports/invoices $(REPEATED) > reports/.invoices.txt 2>&1 & \
	  other=$$!; $(BIN)/evalkit run datasets/helpdesk --out reports/helpdesk $(REPEATED); first=$$?; \
	  wait $$other; second=$$?; echo; cat reports/.invoices.txt; rm reports/.invoices.txt; \
	  exit $$((first > second ? first : second))
else
	@$(BIN)/evalkit run $(SUITE) $(if $(SYSTEMS),--systems $(SYSTEMS)) $(if $(OUT),--out $(OUT)) $(REPEATED) $(if $(JUDGE),--judge $(JUDGE))
endif

compare-approaches: $(VENV)/.done-core ## prompt, RAG, fine-tuned and hybrid on a suite, ending in what to do: [SUITE=dir] [SYSTEMS=file] [OUT=dir]
	@$(BIN)/evalkit run $(or $(SUITE),datasets/helpdesk) $(if $(SYSTEMS),--systems $(SYSTEMS)) \
	  --out $(or $(OUT),reports/approaches) $(REPEATED) || test $$? -eq 12
	@$(BIN)/evalkit compare $(or $(OUT),reports/approaches)
	@$(BIN)/evalkit decide $(or $(OUT),reports/approaches)

gate: $(VENV)/.done-core ## hold the shipped hybrid systems against their committed baselines; or a run of yours: make gate RUN=dir [BASELINE=file]
ifeq ($(RUN),)
	@for suite in helpdesk invoices; do rm -rf reports/gate-$$suite; \
	  $(BIN)/evalkit run datasets/$$suite --system hybrid --probes none --out reports/gate-$$suite > /dev/null \
	  && $(BIN)/evalkit gate reports/gate-$$suite --baseline datasets/$$suite/baseline.json || exit $$?; done
else
	@$(BIN)/evalkit gate $(RUN) $(if $(BASELINE),--baseline $(BASELINE))
endif

baseline: $(VENV)/.done-core ## make the shipped baselines anew; review them with git diff
	@for suite in helpdesk invoices; do rm -rf reports/gate-$$suite; \
	  $(BIN)/evalkit run datasets/$$suite --system hybrid --probes none --out reports/gate-$$suite > /dev/null \
	  && $(BIN)/evalkit baseline update reports/gate-$$suite || exit $$?; done

test: $(VENV)/.done-dev ## set up what tests need, then run them
	@$(BIN)/python -m pytest

check: $(VENV)/.done-dev ## formatting, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: $(VENV)/.done-dev ## put the code into the house format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.done-dev ## speed and accuracy figures, as ratios measured in one run
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit $$?; done

bench-diagnosis: $(VENV)/.done-dev ## how often the true cause is named: rewrites docs/accuracy.md (a few minutes)
	@$(BIN)/python benchmarks/diagnosis.py --brief --write

bench-reliability: $(VENV)/.done-dev ## every fault of docs/reliability.md, in full; rewrites that page (about an hour)
	@$(BIN)/python benchmarks/reliability_table.py --write

golden: $(VENV)/.done-dev ## rewrite the golden files; review them with git diff
	@$(BIN)/python tests/golden/rewrite.py

docs: $(VENV)/.done-core ## rewrite docs/metrics.md and docs/causes.md from the shelves
	@$(BIN)/python docs/generate.py

schemas: $(VENV)/.done-core ## rewrite the published JSON Schemas of the suite files
	@$(BIN)/python -m evalkit.schemas

clean: ## remove the environment and the runs
	@rm -rf $(VENV) reports/helpdesk reports/invoices
