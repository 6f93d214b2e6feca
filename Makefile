# Everything a newcomer needs: `make demo`, `make test`. The rest is for those who change things.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Tests mostly wait: six processes keep two cores busy. A file stays in one, for what its tests share.
SIDE_BY_SIDE := --numprocesses 6 --dist loadfile --no-loadscope-reorder --durations 15 --durations-min 10

.PHONY: setup demo test check bench headers clean lock

setup: $(STAMP)  ## .venv with the `yobikake` command in it

$(STAMP): requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned packages into $(VENV) (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## the rehearsal city, embedded, one level-4 alert on every channel; Ctrl-C ends it
	@$(BIN)/yobikake demo

test: setup  ## all tests, with real servers (started here, or named by KAFKA_BOOTSTRAP and so on)
	@$(BIN)/python -m tests.servers run -- $(BIN)/python -m pytest $(SIDE_BY_SIDE) $(ARGS)

check: setup  ## ruff, mypy strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup  ## speed, as ratios against peers in the same run: writes docs/performance.md
	@$(BIN)/yobikake bench report $(ARGS)

headers: setup  ## write config/nginx/headers.conf anew, after a change of the residents' style
	@$(BIN)/python -m operator_ui.residents.front > $(BIN)/headers.conf && mv $(BIN)/headers.conf config/nginx/headers.conf

lock: setup  ## write the requirement files anew from pyproject.toml
	@$(BIN)/python -m pip install --quiet pip-tools
	@$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o requirements.txt pyproject.toml
	@$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --extra dev -o requirements-dev.txt pyproject.toml

clean:  ## remove what the other targets made
	rm -rf $(VENV) .servers build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
