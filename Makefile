PYTHON ?= python3
BIN := .venv/bin
LOCK := requirements/dev.txt
STAMP := .venv/.installed

.PHONY: setup check test lock

setup: $(STAMP) ## make .venv from the pinned lock

$(STAMP): $(LOCK) pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement $(LOCK)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $(STAMP)

check: setup ## format, lint, types, import contracts, unit and contract tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto --durations=10 tests/unit tests/contract tests/architecture

test: setup ## everything that needs no special hardware
	$(BIN)/pytest -n auto --durations=15 -m "not gpu"

lock: setup ## pin what pyproject.toml asks for, without addresses
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra serve --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-annotate --no-header --output-file $(LOCK)
