# Everything runs in a virtual environment that is made here: all it takes is Python 3.11+ and make.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
CUDA   ?= $(shell nvidia-smi 2>/dev/null | grep -q 'CUDA Version: 12' && echo 12 || echo 13)

.PHONY: demo test test-lowest lint docs bench accuracy torture gpu clean

demo: $(VENV)/with-demo          ## train on handwritten digits, sample them, write refsgm-demo/
	$(BIN)/refsgm demo $(if $(OVERWRITE),--overwrite)

test: $(VENV)/with-test          ## all tests, doctests and examples
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -q -p no:logging -n auto \
		--dist loadfile --no-loadscope-reorder

test-lowest:                     ## the core tests with the lowest versions that pyproject.toml declares
	$(PYTHON) scripts/test_lowest.py $(VENV)-lowest

lint: $(VENV)/with-test
	$(BIN)/ruff check .

docs: $(VENV)/with-docs          ## the site, in docs/_build/html; a warning is an error
	$(BIN)/python -m sphinx -W -n --keep-going -q -d docs/_build/doctrees \
		docs docs/_build/html
	@echo "open docs/_build/html/index.html"

bench: $(VENV)/with-bench        ## the claims about speed and memory, against PyTorch on the CPU
	$(BIN)/python benchmarks/training_step.py
	$(BIN)/python benchmarks/sliced_step.py
	$(BIN)/python benchmarks/langevin.py
	$(BIN)/python benchmarks/under_load.py
	$(BIN)/python benchmarks/mixture_score.py
	$(BIN)/python benchmarks/mixture_memory.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/import_time.py

accuracy: $(VENV)/with-test      ## docs/accuracy.md: every closed form against 50 digits
	$(BIN)/python -m ledgers.accuracy

torture: $(VENV)/with-test       ## strange arguments, kills, damaged files, hostile code: minutes
	$(BIN)/python -m ledgers.torture

gpu:                             ## on a machine with a GPU: tests, agreement, times -> refsgm-gpu/
	@nvidia-smi -L >/dev/null 2>&1 || { echo 'make gpu needs an NVIDIA GPU and its driver, and nvidia-smi finds none' >&2; exit 1; }
	@if $(PYTHON) -c 'import cupy' 2>/dev/null; then PY=$(PYTHON) bash scripts/run_on_gpu.sh; \
	else $(MAKE) $(VENV)/with-gpu$(CUDA) && PY=$(BIN)/python bash scripts/run_on_gpu.sh; fi

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "refsgm needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/with-%: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-lowest docs/_build docs/api docs/gallery refsgm-demo refsgm-scorecard refsgm-gpu \
		*.egg-info .pytest_cache .ruff_cache .hypothesis
