# make lab: the panel on real data in JupyterLab.  make app: the panel as a page of its own.  make test: every test.
# make bench: the benchmarks.
# Everything is installed into $(VENV), and only when pyproject.toml or the constraints have changed.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CONSTRAINTS := .ci/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help lab app test bench test-gpu gpu-wheels lock clean
help:
	@echo "make lab    open the panel on real data in JupyterLab"
	@echo "make app    serve the panel as a page of its own; TABLE=<file> looks at your rows"
	@echo "make test   run every test"
	@echo "make bench  measure, against the peers, in one run"
	@echo "make test-gpu    run the GPU tests; with WHEELS=<folder> offline, from what make gpu-wheels put there"
	@echo "make gpu-wheels  put into WHEELS=<folder> what make test-gpu installs (about 3 GB)"
	@echo "make lock   lock the RAPIDS kernel's environment anew; with SNAPSHOT=<folder> from a copy of the channels' indexes"
	@echo "make clean  remove the virtual environment"

$(BIN)/python:
	@$(PYTHON) .ci/check_python.py
	$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing: on Debian run 'apt-get install python3-venv'." >&2; rm -rf $(VENV); exit 1; }

$(VENV)/.installed-%: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo "Installing segwidgets[$*] into $(VENV) ..."
	$(BIN)/python -m pip install --quiet --editable '.[$*]' --constraint $(CONSTRAINTS)
	@touch $@

# Compiled code is cached beside the sources: once here, and nobody waits for the compiler in the panel.
$(VENV)/.compiled: $(wildcard segwidgets/compute/*.py segwidgets/compute/*/*.py) | $(VENV)/.installed-lab
	@echo "Compiling (once, a minute or two) ..."
	@$(BIN)/python -m segwidgets.warmup
	@touch $@

lab: $(VENV)/.installed-lab $(VENV)/.compiled
	@$(BIN)/python .ci/lab.py notebooks/01_explore.ipynb

TABLE ?=
app: $(VENV)/.installed-app $(VENV)/.compiled
	@$(BIN)/python .ci/app.py $(TABLE)

# Compiled once, or each worker would do it. One worker a core: with more, browsers are too slow for their tests.
# tests/conftest.py says which file comes first.
test: $(VENV)/.installed-test
	@.ci/chromium
	@SEGWIDGETS_HOME=$(abspath $(VENV))/home $(BIN)/python -m segwidgets.warmup
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

bench: $(VENV)/.installed-test $(VENV)/.installed-bench
	$(BIN)/python tests/benchmarks/run.py

# cuML wants an older numba than the constraints name, so it has an environment of its own.
GPU_VENV ?= $(VENV)/gpu
WHEELS ?=
GPU_NEEDS := pytest

$(GPU_VENV)/.installed: pyproject.toml
	@$(PYTHON) .ci/check_python.py
	@echo "Installing segwidgets[gpu] into $(GPU_VENV) ..."
	@$(PYTHON) -m venv $(GPU_VENV)
	@$(GPU_VENV)/bin/python -m pip install --quiet $(if $(WHEELS),--no-index --find-links $(WHEELS)) --editable '.[gpu]' $(GPU_NEEDS)
	@touch $@

test-gpu:
	@$(PYTHON) tests/gpu/driver.py
	@$(MAKE) --no-print-directory $(GPU_VENV)/.installed
	$(GPU_VENV)/bin/python -m pytest -m gpu tests/gpu

# For the same Python and platform as where the tests will run; an editable install builds with the last two.
gpu-wheels:
	@test -n "$(WHEELS)" || { echo "Say where to: make gpu-wheels WHEELS=<folder>" >&2; exit 1; }
	$(PYTHON) -m pip wheel --quiet --wheel-dir $(WHEELS) '.[gpu]' $(GPU_NEEDS) hatchling editables

# From the channels where they answer, else from a snapshot of their indexes; see environment.yml. uv compiles the pip half.
SNAPSHOT ?=
lock: $(VENV)/.installed-test
	@$(BIN)/python -m pip install --quiet uv --constraint $(CONSTRAINTS)
	@$(BIN)/python .ci/lock $(if $(SNAPSHOT),--snapshot $(SNAPSHOT))

clean:
	rm -rf $(VENV)
