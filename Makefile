# make demo   the whole path on the small model inside the package, in minutes, on a laptop
# make test   all tests        make lint   style and types        make bench   speed and memory, as ratios
# make mutants   break the measurement in known ways: which test sees each
#
# The environment (.venv) is made by the first of them and again when pyproject.toml changes.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KEY := $(shell cksum < pyproject.toml | cut -d ' ' -f 1)
PACKAGE := $(VENV)/.package-$(KEY)
TOOLS := $(VENV)/.tools-$(KEY)
TORCH := $(shell sed -n 's/^ *"\(torch==[^"]*\)",*$$/\1/p' pyproject.toml)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test bench mutants lint clean
.DELETE_ON_ERROR:

demo: $(PACKAGE)
	@$(BIN)/teachwhy run experiments/sprig.toml

test: $(TOOLS)
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile

bench: $(PACKAGE)
	@$(BIN)/python -m benchmarks

mutants: $(TOOLS)
	@$(BIN)/python -m benchmarks.mutants --page docs/mutants.md

lint: $(TOOLS)
	@$(BIN)/ruff check .
	@$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist src/teachwhy.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; give one with: make PYTHON=/path/to/python3.11"; exit 2; }
	@echo "Environment 1/3: making $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

$(PACKAGE): | $(BIN)/python
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Environment 2/3: $(TORCH)"
	@$(PIP) "$(TORCH)"
	@echo "Environment 3/3: teachwhy and what it needs"
	@$(PIP) -e .
	@rm -f $(VENV)/.package-* && touch $@

$(TOOLS): | $(PACKAGE)
	@echo "Environment: tools for development"
	@$(PIP) -e ".[dev]"
	@rm -f $(VENV)/.tools-* && touch $@
