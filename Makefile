# make demo    the whole story on bundled runs of real agents, from nothing
# make test    the whole test suite, from nothing
# make check   everything that must hold before a change lands
# make fast    the part of it that answers within a minute
# make soak    the long sweeps of faults, as root; renews docs/reliability.md
# make bench   measure beside git, restic, borg and others; renews docs/benchmarks.md
# make bench-ledger   measure the ledger beside MLflow, LangGraph and others; renews docs/benchmarks-ledger.md
# make docs    renew the pages that the program writes itself
# make pins    renew requirements/*.txt (needs uv)
# make clean   remove what the others made

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest -n 2
SOURCES := $(shell find aivcs tests scripts soak benchmarks docs requirements changes Makefile pyproject.toml README.md \
	-name '*[!A-Za-z0-9._/-]*' -prune -o -name __pycache__ -prune -o -type f -print)

.PHONY: demo test check static wheel fast soak bench bench-ledger docs pins clean
.DELETE_ON_ERROR:

demo: $(VENV)/.run
	@rm -rf build/demo && mkdir -p build
	@$(BIN)/aivcs demo build/demo
	@echo
	@echo 'The program is .venv/bin/aivcs here. To type the commands as they stand:'
	@echo '  export PATH="$(CURDIR)/$(BIN):$$PATH" && cd build/demo'

test: $(VENV)/.dev
	@rm -f build/tested .coverage .coverage.* && mkdir -p build
	$(PYTEST) --cov --cov-report=term
	@touch build/tested

# The suite runs only when a file has changed since it last passed.
build/tested: $(VENV)/.dev $(SOURCES)
	$(MAKE) --no-print-directory test

check: static build/tested wheel
	@echo "check: all passed"

static: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python scripts/sizes.py

# The wheel is installed apart from the checkout; it borrows the dependencies, not the package.
wheel: $(VENV)/.dev
	@rm -rf build/wheel && mkdir -p build/wheel
	$(BIN)/python -m build --wheel --no-isolation --outdir build/wheel . >build/wheel/log 2>&1 || { cat build/wheel/log; exit 1; }
	@$(BIN)/python -m venv build/wheel/venv
	@build/wheel/venv/bin/python -m pip --disable-pip-version-check --quiet install --no-index --no-deps build/wheel/*.whl
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		>"$$(build/wheel/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/dependencies.pth"
	@cd build/wheel && venv/bin/python -c 'import aivcs, sys; assert aivcs.__file__.startswith(sys.prefix), aivcs.__file__'
	@cd build/wheel && venv/bin/aivcs --version && venv/bin/aivcs demo demo >demo.log

# Rules and storage. What starts programs, servers and crews, or dies at every write, is left to `make test`.
FAST := tests/domain tests/specs tests/trajectories tests/objects tests/packs tests/contracts/test_memory.py \
	tests/test_errors.py tests/test_finding.py tests/test_repo.py

fast: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(PYTEST) -q -m "not slow" -k "not death" $(FAST)

soak: $(VENV)/.dev
	$(BIN)/python -m soak

bench: $(VENV)/.run build/bench/venv/.made
	@for program in git:git restic:restic borg:borgbackup; do \
		command -v $${program%:*} >/dev/null || missing="$$missing $${program#*:}"; done; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$missing >/dev/null; fi
	@$(BIN)/python -m compileall -q aivcs benchmarks
	$(BIN)/python -m benchmarks --page docs/benchmarks.md

build/bench/venv/.made: requirements/bench.txt
	@echo "installing what aivcs is compared with into build/bench/venv"
	@rm -rf build/bench/venv && mkdir -p build/bench
	@$(BIN)/python -m venv build/bench/venv
	@build/bench/venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/bench.txt
	@touch $@

# With what the tests need: they know how to start a server of PostgreSQL.
bench-ledger: $(VENV)/.dev build/bench/ledger-venv/.made
	@if ! command -v strace >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends strace >/dev/null; fi
	@$(BIN)/python -m compileall -q aivcs benchmarks
	$(BIN)/python -m benchmarks --part ledger --home build/bench/ledger --page docs/benchmarks-ledger.md

build/bench/ledger-venv/.made: requirements/ledger-bench.txt
	@echo "installing what the ledger is compared with into build/bench/ledger-venv"
	@rm -rf build/bench/ledger-venv && mkdir -p build/bench
	@$(BIN)/python -m venv build/bench/ledger-venv
	@build/bench/ledger-venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/ledger-bench.txt
	@touch $@

docs: $(VENV)/.dev
	@mkdir -p build
	$(BIN)/python -m aivcs.cli.reference >build/cli.md
	@mv build/cli.md docs/cli.md
	$(BIN)/python scripts/states.py

pins:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --no-emit-index-url --no-emit-find-links --extra dev pyproject.toml -o requirements/dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --no-emit-index-url --no-emit-find-links --constraint requirements/dev.txt \
		pyproject.toml requirements/run.in -o requirements/run.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --no-emit-index-url --no-emit-find-links --constraint requirements/dev.txt \
		--extra bench pyproject.toml -o requirements/bench.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --no-emit-index-url --no-emit-find-links --constraint requirements/dev.txt \
		--extra ledger-bench pyproject.toml -o requirements/ledger-bench.txt
	uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header \
		--no-annotate --no-emit-index-url --no-emit-find-links --no-deps \
		requirements/foreign.in -o requirements/foreign.txt

clean:
	rm -rf build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# ----------------------------------------------------------------------- environment

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "aivcs needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Try: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(BIN)/python
	@echo "installing what aivcs needs into $(VENV)"
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q aivcs
	@touch $@

$(VENV)/.dev: requirements/dev.txt requirements/foreign.txt pyproject.toml | $(BIN)/python
	@echo "installing what the tests and checks need into $(VENV)"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --require-hashes --no-deps --ignore-requires-python -r requirements/foreign.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q aivcs
	@touch $@ $(VENV)/.run
