# Needs Python 3.11 or newer with its venv module, and make. Everything else goes into .venv.
#
#   make site     the demo practice, built into output/
#   make serve    the same, live in the browser
#   make test     lint, types and every test (.ci/run installs the outside judges first)
#   make lint · make format · make clean

PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready
# The day the demo is seen on: every state an invoice can be in shows on it, and two builds give the same bytes.
DEMO_DAY = 2026-11-21
WORKERS = 2

.PHONY: site serve setup test lint format clean
.DEFAULT_GOAL := site

site: $(READY)
	$(BIN)/portalgen build --site . --today $(DEMO_DAY)
	@echo
	@echo "The demo stands in output/. To look at it: make serve, or open output/index.html"
	@echo "Its clients' pages, while make serve runs:"
	@echo "  $(BIN)/portalgen links --today $(DEMO_DAY) --base-url http://127.0.0.1:8000/"

serve: $(READY)
	$(BIN)/portalgen serve --site . --today $(DEMO_DAY) --open

setup: $(READY)

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) output reports dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Without build isolation, so that what builds the package is pinned like all the rest.
$(READY): requirements.txt pyproject.toml tests/judges/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "portalgen needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' \
		|| { echo "Python's venv module is missing (on Debian and Ubuntu: the package python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r tests/judges/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)
