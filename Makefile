# Two commands do all on a fresh machine with Python 3.11 or newer: make demo, make test.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Where it is set, each of the hundred processes that the tests start compiles anew what it imports.
unexport PYTHONDONTWRITEBYTECODE

CHROMIUM := apt-get update && apt-get install --yes --no-install-recommends chromium

.PHONY: demo test test-processes test-networks test-docs test-all test-dist test-compiler test-runtimes test-executorch test-fleet test-browser chromium-line test-lowest fuzz zoo zoo-all zoo-vision zoo-transformers coverage lint reference docs site golden constraints vega dist clean

demo: $(VENV)/installed
	$(BIN)/benchcli guideline g2

# All tests but those of the targets below, which take long or need more.
APART := --ignore tests/networks --ignore tests/pages
test: $(VENV)/installed
	$(BIN)/python -m pytest -n auto -m "not measured" $(APART)

# The tests that start measured processes, or the program as one.
test-processes: $(VENV)/installed
	$(BIN)/python -m pytest -n auto -m measured $(APART)

# The networks that ship, and users' networks of many kinds.
test-networks: $(VENV)/installed
	$(BIN)/python -m pytest -n auto tests/networks

# The commands, examples, figures, messages and links of README.md, CONTRIBUTING.md and docs/.
test-docs: $(VENV)/installed
	$(BIN)/python -m pytest -n auto tests/pages

# These four in one pass. MORE are further arguments of pytest.
MORE ?=
test-all: $(VENV)/installed
	$(BIN)/python -m pytest -n auto $(MORE)

# What the wheel and the sdist hold, and the steps of the GitHub Action.
test-dist: $(VENV)/installed
	$(BIN)/python -m pytest tests/packaging

# Networks that torch.compile compiles, which takes a minute and a C++ compiler.
test-compiler: $(VENV)/installed
	$(BIN)/python -m pytest tests/compiler

# Networks in the runtimes that ship, whose packages (300 MB) it installs; compiling takes some minutes.
test-runtimes: $(VENV)/with-runtimes
	BENCHCLI_RUNTIMES=1 $(BIN)/python -m pytest -n 2 tests/runtimes

# ExecuTorch, in an environment of its own: with what it brings it takes 550 MB. CI leaves it out.
test-executorch: build/executorch/installed
	$(<D)/bin/python -m pytest -n 2 tests/executorch

build/executorch/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[test,executorch]'
	touch $@

# A fleet with its engine, whose processes it kills.
test-fleet: $(VENV)/installed
	$(BIN)/python -m pytest -n 4 tests/engine  # most of it is waiting

# Random suites, result folders, arguments and events, other ones every time: FUZZ is how many of each kind.
FUZZ ?= 20000
fuzz: $(VENV)/installed
	BENCHCLI_FUZZ=$(FUZZ) $(BIN)/python -m pytest -n auto tests/fuzz

# Multiply-adds of the networks of other libraries, against published figures. pytorchcv asks for torchvision,
# which it does not need for them, and which does not fit every torch. COUNTED=--each-family counts one network
# of each family.
zoo: $(VENV)/with-zoo
	$(BIN)/python benchmarks/library_costs.py $(COUNTED)

# 339 networks of four libraries, counted and timed for one launch each: half an hour on two quiet cores. Their
# environments take 8 GB where torchvision's torch is one for CUDA. `make -k` does the second half even if
# the first one finds something. VISION is a torch and the torchvision that fits it.
VISION ?= torch==2.14.1 torchvision==0.29.1
LIBRARIES ?= build/libraries.csv
zoo-all: zoo-transformers zoo-vision

zoo-transformers: build/zoo-transformers/installed
	$(<D)/bin/python benchmarks/library_runs.py transformers --output $(LIBRARIES)

zoo-vision: build/zoo-torchvision/installed
	$(<D)/bin/python benchmarks/library_runs.py torchvision timm pytorchcv --output $(LIBRARIES)

build/zoo-transformers/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[zoo]' scipy
	touch $@

build/zoo-torchvision/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(@D)
	grep -v '^torch==' constraints.txt > $(@D)/constraints.txt
	$(@D)/bin/python -m pip install --quiet --constraint $(@D)/constraints.txt $(VISION) timm
	$(@D)/bin/python -m pip install --quiet --constraint $(@D)/constraints.txt --no-deps pytorchcv
	$(@D)/bin/python -m pip install --quiet --constraint $(@D)/constraints.txt --editable .
	touch $@

# Reports in a real browser. It installs nothing: without Chromium it says the line that does.
test-browser: $(VENV)/installed
	@for each in chromium chromium-browser google-chrome; do command -v $$each > /dev/null && exit 0; done; \
		echo 'test-browser needs Chromium: $(CHROMIUM)'; exit 1
	BENCHCLI_BROWSER=1 $(BIN)/python -m pytest -n auto tests/browser

chromium-line:
	@echo '$(CHROMIUM)'

# make test-all, and how much of the package it reaches; .ci/coverage.py has the floor. Launches that an
# earlier run kept would count as not reached.
coverage: $(VENV)/installed
	rm -rf .pytest_cache
	mkdir -p build
	$(BIN)/python -m slipcover --json --out build/coverage.json -m pytest -n auto
	$(BIN)/python .ci/coverage.py build/coverage.json

# The tests under the lowest versions that pyproject.toml admits.
test-lowest:
	$(PYTHON) -m venv --clear build/lowest
	build/lowest/bin/python .ci/lowest.py > build/lowest.txt
	build/lowest/bin/python -m pip install --quiet --constraint build/lowest.txt --editable '.[test]'
	build/lowest/bin/python -m pytest -n auto

lint: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows docs/benchcli-check.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci docs/benchcli.gitlab-ci.yml

# Measure the kept runs of results/reference anew: about 20 minutes, on a machine that does nothing else.
reference: $(VENV)/installed
	$(BIN)/python benchmarks/reference.py

docs: $(VENV)/installed
	$(BIN)/python docs/generate_cli.py
	$(BIN)/python docs/generate_networks.py
	$(BIN)/python docs/generate_api.py
	$(BIN)/python docs/generate_tables.py
	$(BIN)/python docs/generate_pictures.py

# The documentation as a site, in build/site; a link that leads nowhere is an error.
site: $(VENV)/with-docs
	$(BIN)/python -m sphinx -b html -W --keep-going -n -q -d build/doctrees docs build/site
	$(BIN)/python .ci/offline.py build/site
	@echo 'The site is in build/site: open $(CURDIR)/build/site/index.html'

golden: $(VENV)/installed
	$(MAKE) test-all MORE=--update-golden

# Build the charts' JavaScript that reports embed anew, with its licences, from .ci/vega/package.json: needs npm.
vega:
	cd .ci/vega && npm install --no-audit --no-fund --no-package-lock && node build.js
	rm -rf .ci/vega/node_modules

# Write constraints.txt anew: the newest versions that a fresh environment gets, without local labels such as +cpu.
constraints:
	$(PYTHON) -m venv --clear build/constraints
	build/constraints/bin/python -m pip install --quiet --editable '.[dev,docs,runtimes,zoo]'
	head -n 1 constraints.txt > build/constraints.txt
	build/constraints/bin/python -m pip freeze --exclude-editable | sed 's/+[^ ]*$$//' | LC_ALL=C sort -f >> build/constraints.txt
	mv build/constraints.txt constraints.txt

# The wheel, built from the sdist, and the sdist: in dist/.
dist: $(VENV)/installed
	rm -rf dist
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache

# Python compiles what is imported when it is; compiling all of torch and sympy takes a minute.
$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "benchcli needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	touch $@

# Extras beside it. Before make -j they are installed one after the other: all are in one environment.
$(VENV)/with-docs $(VENV)/with-runtimes: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[$(@F:with-%=%)]'
	touch $@

$(VENV)/with-zoo: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[zoo]'
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --no-deps pytorchcv
	touch $@
