# make lab: the panel on real data in JupyterLab.  make test: every test.  make bench: the benchmarks.
# Everything is installed into $(VENV), and only when pyproject.toml or the constraints have changed.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CONSTRAINTS := .ci/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help lab test bench clean
help:
	@echo "make lab    open the panel on real data in JupyterLab"
	@echo "make test   run every test"
	@echo "make bench  measure, against the peers, in one run"
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
	@echo "Compiling (once, half a minute) ..."
	@$(BIN)/python -m segwidgets.warmup
	@touch $@

lab: $(VENV)/.installed-lab $(VENV)/.compiled
	@$(BIN)/python .ci/lab.py notebooks/01_explore.ipynb

test: $(VENV)/.installed-test
	@.ci/chromium
	$(BIN)/python -m pytest

bench: $(VENV)/.installed-test
	$(BIN)/python tests/benchmarks/run.py

clean:
	rm -rf $(VENV)
