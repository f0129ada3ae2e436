# Every target does its own set-up: Python 3.11 or newer and make are all it takes.

PYTHON ?= python3
# Tests wait for processes and databases for half of their time.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(3 * (os.cpu_count() or 2) // 2)')
MINUTES ?= 10
STORE ?= postgres
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

.DEFAULT_GOAL := help
.PHONY: help setup demo ui screenshots docs test test-long check format bench bench-peers chaos soak lock clean

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with everything for development

$(STAMP): pyproject.toml requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Soniq needs Python 3.11 or newer, and '$(PYTHON)' is not that. Install one and name it:"; \
	    echo "    make $(or $(MAKECMDGOALS),setup) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || { echo "Making $(VENV) ..."; $(PYTHON) -m venv $(VENV); } || { \
	    echo "'$(PYTHON) -m venv' failed; on Debian and Ubuntu: apt install python3-venv"; \
	    rm -rf $(VENV); exit 1; }
	@echo "Installing Soniq and its tools into $(VENV) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check \
	    --constraint requirements-dev.lock --editable '.[dev]'
	@touch $@

demo: setup ## Run the demo: the standard library, counted by jobs on SQLite
	@$(BIN)/python examples/demo.py

ui: setup ## Build the dashboard's page, where its sources are newer
	@$(BIN)/python ui/build_page.py

screenshots: ui ## Take the pictures of the dashboard in docs/images
	@$(BIN)/python -m docs.screenshots

docs: setup ## Write the pages made from the code anew, and build the documentation into build/site
	@$(BIN)/python -m docs.generated
	@$(MKDOCS)

test: setup ## Run the tests, on a Postgres server of their own
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m 'not long'

test-long: setup ## Run the tests that take long
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m long --timeout 600

check: setup ## Check format, lint, types, import contracts, the docs, and for unused code
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(MKDOCS)
	@echo "$(BIN)/vulture"
	@# What it calls variables are fields, enum members and handlers' parameters: users read them.
	@found=$$($(BIN)/vulture); code=$$?; \
	    if [ $$code -ne 0 ] && [ $$code -ne 3 ]; then exit $$code; fi; \
	    ! printf '%s\n' "$$found" | grep -v -e ': unused variable' -e '^$$'

format: setup ## Format the code and apply the safe fixes
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

chaos: setup ## Inject every fault in full, and report; 25 minutes at most
	@$(BIN)/python -m tests.chaos --quote docs/reliability.md

bench: setup ## Measure Soniq beside raw SQL, on a Postgres server of its own
	@$(BIN)/python -m bench

bench-peers: setup ## Measure other queues beside Soniq, each in an environment of its own
	@$(BIN)/python -m bench.peers

soak: setup ## Load Soniq steadily for MINUTES=10 (STORE=postgres or sqlite) and say what grows
	@$(BIN)/python -m bench.soak --minutes $(MINUTES) --store $(STORE)

lock: setup ## Write down the versions of all tools and libraries in use
	@$(BIN)/python -m pip freeze --exclude-editable > requirements-dev.lock
	@touch $(STAMP)

clean: ## Remove everything that make made
	@rm -rf $(VENV) .demo .bench .bench-venvs .chaos build dist ui/node_modules \
	    src/soniq/dashboard/static .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
