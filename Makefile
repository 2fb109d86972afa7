# Everything runs in a virtual environment that is made here: all it takes is Python 3.11+ and make.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: demo test lint docs bench accuracy gpu clean

demo: $(VENV)/with-demo          ## train on handwritten digits, sample them, write refsgm-demo/
	$(BIN)/refsgm demo

test: $(VENV)/with-test          ## all tests, doctests and examples
	$(BIN)/python -m pytest -q -n auto --dist loadgroup

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
	$(BIN)/python benchmarks/mixture_score.py
	$(BIN)/python benchmarks/mixture_memory.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/import_time.py

accuracy: $(VENV)/with-test      ## docs/accuracy.md: every closed form against 50 digits
	$(BIN)/python -m ledgers.accuracy

gpu:                             ## on a machine with a GPU: tests, trainings, benchmarks -> refsgm-gpu/
	@nvidia-smi -L >/dev/null 2>&1 || { echo 'make gpu needs an NVIDIA GPU and its driver, and nvidia-smi finds none' >&2; exit 1; }
	$(MAKE) $(VENV)/with-gpu
	mkdir -p refsgm-gpu
	nvidia-smi > refsgm-gpu/machine.txt
	$(BIN)/python -m pytest -m gpu --junit-xml refsgm-gpu/tests.xml
	$(BIN)/refsgm demo --backend cupy --out refsgm-gpu/digits
	$(BIN)/refsgm train moons --backend cupy --out refsgm-gpu/moons.npz --overwrite
	$(BIN)/refsgm sample refsgm-gpu/moons.npz --backend cupy --sampler heun -n 2000 --out refsgm-gpu/moons.npy --plot refsgm-gpu/moons.png
	for claim in training_step sliced_step langevin mixture_score; do \
	    $(BIN)/python benchmarks/$$claim.py --device cuda --json refsgm-gpu/$$claim.json || exit 1; done

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "refsgm needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/with-%: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

clean:
	rm -rf $(VENV) docs/_build docs/api docs/gallery refsgm-demo refsgm-scorecard refsgm-gpu \
		*.egg-info .pytest_cache .ruff_cache .hypothesis
