# `make reproduce` and `make test` do all of their own set-up: an environment in .venv with the pinned versions.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: reproduce test sanitize format clean

reproduce: .venv/installed
	$(BIN)/python main.py --batch_size 128 --num_epochs 50 --out reproduction --resume

test: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2

# The kernels' tests once more, with the library built to report every bad access and every race.
SANITIZED := $(or $(CXX),c++) -std=c++20 -O1 -g -march=native -fno-math-errno -fno-trapping-math -fno-signed-zeros \
	-shared -fPIC -pthread -fno-sanitize-recover=undefined src/mnistlab/kernels/source/kernels.cpp
PRELOAD = $(foreach name,$(1),$(shell $(or $(CXX),c++) -print-file-name=lib$(name).so))

sanitize: .venv/installed
	mkdir -p build
	$(SANITIZED) -fsanitize=address,undefined -o build/kernels_address.so
	OMP_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD="$(call PRELOAD,asan ubsan)" \
		MNISTLAB_KERNELS=build/kernels_address.so $(BIN)/pytest tests/kernels
	$(SANITIZED) -fsanitize=thread -o build/kernels_thread.so
	OMP_NUM_THREADS=1 LD_PRELOAD="$(call PRELOAD,tsan)" MNISTLAB_KERNELS=build/kernels_thread.so \
		setarch -R $(BIN)/pytest tests/kernels

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
