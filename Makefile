# Two commands do all on a fresh machine with Python 3.11 or newer: make demo, make test.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-fast lint docs golden clean

demo: $(VENV)/installed
	$(BIN)/benchcli guideline g2

test: $(VENV)/installed
	$(BIN)/python -m pytest -n auto

# Everything that starts no measured process.
test-fast: $(VENV)/installed
	$(BIN)/python -m pytest -n auto -m "not measured"

lint: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(VENV)/installed
	$(BIN)/python docs/generate_cli.py
	$(BIN)/python docs/generate_networks.py
	$(BIN)/python docs/generate_api.py

golden: $(VENV)/installed
	$(BIN)/python -m pytest --update-golden

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "benchcli needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
