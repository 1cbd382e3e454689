# `make reproduce` and `make test` do all of their own set-up: an environment in .venv with the pinned versions.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: reproduce test format clean

reproduce: .venv/installed
	$(BIN)/python main.py --batch_size 128 --num_epochs 50 --out reproduction --resume

test: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv build reproduction src/*.egg-info

.venv/installed: pyproject.toml setup.py constraints.txt $(wildcard src/mnistlab/kernels/source/*)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "mnistlab needs Python 3.11 or newer; name one: make PYTHON=python3.11" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@
