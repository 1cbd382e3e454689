# `make reproduce` and `make test` do all of their own set-up: an environment in .venv with the pinned versions.
PYTHON ?= python3
BIN := .venv/bin
TOOLS := build/tools/bin
LOCKED := --quiet --require-hashes --no-deps

.PHONY: reproduce test docs simulations records speed torture sanitize core format lock audit dist check-dist clean

reproduce: .venv/installed
	$(BIN)/python main.py --batch_size 128 --num_epochs 50 --out reproduction --resume

test: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy & $(BIN)/pytest -n 4 --dist worksteal --durations=25 && wait $$!

# The documentation as a website: open build/site/index.html, or serve it with build/docs/bin/mkdocs serve.
docs: build/docs/installed
	NO_MKDOCS_2_WARNING=1 build/docs/bin/mkdocs build --strict

# Coverage and false alarms of every figure that a verdict uses; results/simulations and the table of docs/statistics.md.
simulations: .venv/installed
	$(BIN)/python -m benchmarks.simulations

# The published runs that are not as today's code makes them, each with its command and time; hours. An interrupted one
# goes on where it stopped: `python -m benchmarks.records --list`.
records: .venv/installed
	$(BIN)/python -m benchmarks.records

# How fast training is here: the records and the tables of docs/kernels.md and the readmes; half an hour on a quiet machine.
speed: .venv/installed
	$(BIN)/mnistlab bench --json results/bench/summary.json
	$(BIN)/mnistlab bench --networks --json results/networks/summary.json
	for model in lenet5 custom_mlp best62k; do \
		$(BIN)/mnistlab bench --profile $$model --threads 1 --json results/bench/profile/$$model.json || exit; done
	$(BIN)/python -m benchmarks.pages

# The tests of reliability as often as docs/reliability.md says, whose table is written anew.
torture: .venv/installed
	$(BIN)/pytest tests/reliability --torture
	$(BIN)/python -m tests.reliability.table

# The kernels' tests once more, with the library built to report every bad access and every race.
KERNELS := $(wildcard $(addprefix $(CURDIR)/src/mnistlab/kernels/source/,kernels.cpp operations/*.cpp losses/*.cpp))
SANITIZED := printf '\#include "%s"\n' $(KERNELS) | $(or $(CXX),c++) -x c++ - -std=c++20 -O1 -g -march=native \
	-fno-math-errno -fno-trapping-math -fno-signed-zeros -ffp-contract=off -shared -fPIC -pthread \
	-fno-sanitize-recover=undefined
PRELOAD = $(foreach name,$(1),$(shell $(or $(CXX),c++) -print-file-name=lib$(name).so))

sanitize: .venv/installed
	mkdir -p build
	$(SANITIZED) -fsanitize=address,undefined -o build/kernels_address.so
	OMP_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD="$(call PRELOAD,asan ubsan)" \
		MNISTLAB_KERNELS=build/kernels_address.so $(BIN)/pytest tests/kernels
	$(SANITIZED) -fsanitize=thread -o build/kernels_thread.so
	OMP_NUM_THREADS=1 LD_PRELOAD="$(call PRELOAD,tsan)" MNISTLAB_KERNELS=build/kernels_thread.so \
		setarch -R $(BIN)/pytest tests/kernels

# The reader's WebAssembly module, which is committed: the same sources give the same bytes.
core: .venv/installed
	$(BIN)/python src/mnistlab/recogniser/core/build.py

format: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The locks made anew (docs/releasing.md); what they hold stays as it is where it still fits: LOCK=--upgrade moves it.
COMPILE := $(TOOLS)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command 'make lock' $(LOCK)
TORCH := --constraint constraints.txt --no-emit-package torch

lock: build/tools/installed
	$(COMPILE) $(TORCH) pyproject.toml --extra export --extra ray --extra serve --extra tensorboard --output-file requirements.lock
	$(COMPILE) $(TORCH) pyproject.toml --extra dev --constraint requirements.lock \
		$$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' requirements.lock) --output-file dev.lock
	$(COMPILE) --group container --constraint requirements.lock --output-file container.lock
	$(COMPILE) --group release --output-file release.lock
	$(COMPILE) --group docs --output-file docs.lock

# Asks a service on the network for known vulnerabilities; without an answer for every package it fails.
audit: build/tools/installed
	$(TOOLS)/pip-audit --strict --disable-pip --no-deps $(addprefix --requirement ,requirements.lock dev.lock release.lock docs.lock constraints.txt)

# What is committed, as wheel and source archive, with what it needs listed; the same commit gives the same bytes.
dist: build/tools/installed
	rm -rf dist build/source build/runtime
	mkdir -p dist build/source
	git archive HEAD | tar --extract --directory build/source
	umask 022; SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct); export SOURCE_DATE_EPOCH; \
		$(TOOLS)/python -m build --no-isolation --outdir build/source/dist build/source \
		&& tar --extract --gzip --file build/source/dist/*.tar.gz --directory build/source/dist \
		&& cd build/source/dist && rm *.tar.gz && for folder in mnistlab-*/; do \
			tar --create --sort=name --mtime=@$$SOURCE_DATE_EPOCH --owner=0 --group=0 --numeric-owner --format=ustar $$folder \
				| gzip --best --no-name >../../../dist/$${folder%/}.tar.gz; \
		done
	cp build/source/dist/*.whl build/source/requirements.lock build/source/constraints.txt dist
	$(PYTHON) -m venv --without-pip build/runtime
	$(TOOLS)/pip --python build/runtime install $(LOCKED) --requirement dist/requirements.lock
	$(TOOLS)/pip --python build/runtime install --quiet --constraint dist/constraints.txt torch
	$(TOOLS)/cyclonedx-py environment --pyproject pyproject.toml --mc-type library --output-reproducible \
		--output-file dist/mnistlab.cdx.json build/runtime
	cd dist && sha256sum * >SHA256SUMS

check-dist: .venv/installed dist
	cd dist && sha256sum --check --quiet SHA256SUMS
	MNISTLAB_DIST=dist $(BIN)/pytest tests/reliability/test_supply.py

build/%/installed:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "mnistlab needs Python 3.11 or newer; name one: make PYTHON=python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install $(LOCKED) --requirement $<
	touch $@

build/tools/installed: release.lock
build/docs/installed: docs.lock

clean:
	rm -rf .venv build dist reproduction src/*.egg-info

.venv/installed: pyproject.toml setup.py constraints.txt requirements.lock dev.lock $(wildcard src/mnistlab/kernels/source/*.* src/mnistlab/kernels/source/*/*)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "mnistlab needs Python 3.11 or newer; name one: make PYTHON=python3.11" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install $(LOCKED) --requirement requirements.lock --requirement dev.lock
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@
