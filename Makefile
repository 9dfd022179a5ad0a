# `make demo` runs the main job, `make test` passes the tests; each does all its own set-up.
# What was set up is remembered by content: a second run of any target takes seconds.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Another engine than Debian's, where there is one, does not go with it.
ENGINE := $(if $(shell command -v dockerd),,docker.io)
# Likewise Node.js with npm.
NODE := $(if $(shell command -v npm),,nodejs npm)
# Debian packages: what the tests judge with, and what a bare machine lacks to make a virtual environment.
TEST_PACKAGES := docker-registry skopeo umoci chromium strace btrfs-progs bubblewrap qemu-user-static $(ENGINE) docker-compose iproute2 prometheus protobuf-compiler libprotobuf-java openjdk-17-jdk-headless golang-go $(NODE)
# What the benchmarks put load with, besides.
BENCH_PACKAGES := wrk
MODELPORT := $(BIN)/modelport
CORE := build/core
TORCH := build/torch
# The tests run side by side; PROCESSES=0 runs them in one process, as a debugger wants.
PROCESSES ?= 2
PYTEST = pytest --numprocesses=$(PROCESSES) --dist=loadscope --no-loadscope-reorder $(PYTEST_ARGS)

.PHONY: help demo test coverage setup core lint format bench modi readme torture catalog lock base base-lock clean debian-python debian-test torch

help:
	@echo "make demo     build, check, serve and call every model of the catalog"
	@echo "make test     all tests, with all their set-up"
	@echo "make coverage the tests, and which branches of the code they take; twice as long"
	@echo "make setup    .venv with all extras"
	@echo "make core     build/core with what checking and pushing needs, and no more"
	@echo "make lint     ruff and mypy"
	@echo "make bench    measure, write build/bench/*.json; ROOM=cli|catalog|model|package|install measures one room"
	@echo "make modi     MODI's figures beside ours: build/bench/modi.json, and the guide that shows them"
	@echo "make readme   write the README's figures and the guide's counts, from build/bench and build/torture"
	@echo "make torch    the tests of PyTorch's modules, with Debian's PyTorch"
	@echo "make torture  the tests with thousands of generated examples and faults each; print what was counted"
	@echo "make catalog  rebuild every entry from its recipe and compare it with what is published"
	@echo "make lock     resolve requirements/*.lock anew"
	@echo "make base     build/base, what images are built on, from Debian packages alone"
	@echo "make base-lock  name Debian's newest packages in requirements/base.lock"
	@echo "make clean    remove what the build made, but not the store of packages (build/store)"

demo: setup
	$(MODELPORT) demo

# The tests start the command thousands of times: it is compiled once, whatever PYTHONDONTWRITEBYTECODE says.
test: setup debian-test lint
	$(BIN)/python -m compileall -q registry site_gen
	$(BIN)/python -m $(PYTEST)

# Apart from `test`: the lines that ran are followed in every process that the tests start, which doubles their time.
coverage: setup debian-test
	mkdir -p build/coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m $(PYTEST)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

setup: $(VENV)/complete

# The environment is made anew when its lock changes, and only then.
$(VENV)/complete: requirements/uv.lock requirements/dev.lock pyproject.toml | debian-python
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.lock
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements/dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

core: $(CORE)/complete

# For jobs that hold credentials or only check: few distributions, wheels only, nothing built and nothing installed that
# runs. The library is used as it lies here: $(CORE)/bin/python -m modelport
# It is made from nothing: pip would leave in place what an older lock had.
$(CORE)/complete: requirements/core.lock | debian-python
	rm -rf "$(CORE)"
	$(PYTHON) -m venv $(CORE)
	$(CORE)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements/core.lock
	echo "$(CURDIR)/registry" > "$$($(CORE)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/modelport.pth"
	touch $@

# PyTorch is in no lock of ours: its tests run with the system's Python, which has Debian's, and the locked core.
torch: $(TORCH)/complete
	$(TORCH)/bin/python -m tests.torch.check

$(TORCH)/complete: requirements/core.lock
	.ci/debian python3-venv python3-numpy python3-torch
	rm -rf "$(TORCH)"
	/usr/bin/python3 -m venv --system-site-packages $(TORCH)
	$(TORCH)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r requirements/core.lock
	echo "$(CURDIR)/registry" > "$$($(TORCH)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/modelport.pth"
	touch $@

debian-python:
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	  || .ci/debian python3-venv

debian-test:
	@.ci/debian $(TEST_PACKAGES)

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --num-workers=$(PROCESSES)

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup debian-test
	@.ci/debian $(BENCH_PACKAGES)
	$(BIN)/python -m tests.bench $(ROOM)

modi: setup
	$(BIN)/python -m tests.bench.modi

readme: setup
	$(BIN)/python -m tests.bench --readme
	$(BIN)/python -m tests.torture --page

torture: setup debian-test
	rm -rf build/torture
	HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest $(PYTEST_ARGS); \
	  status=$$?; $(BIN)/python -m tests.torture; exit $$status

catalog: setup
	for entry in catalog/models/*/; do $(MODELPORT) pack "$$entry" || exit 1; done

lock: setup
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --upgrade pyproject.toml --extra dev -o requirements/dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --upgrade -c requirements/dev.lock pyproject.toml -o requirements/core.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --upgrade -c requirements/dev.lock pyproject.toml --extra serve --extra grpc -o registry/modelport/image/service.lock
	echo uv | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate --upgrade - -o requirements/uv.lock

# The base of images, from pinned Debian packages; what they come from is apt's own setting.
base: setup
	$(MODELPORT) image base requirements/base.lock --out build/base

base-lock: setup
	$(MODELPORT) image base requirements/base.lock --refresh

clean:
	if [ -d build ]; then find build -mindepth 1 -maxdepth 1 ! -name store -exec rm -rf {} +; fi
	rm -rf dist .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find registry site_gen tests catalog -name __pycache__ -type d -prune -exec rm -rf {} +
