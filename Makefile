# make run    the app on http://localhost:8501 (PORT=... changes it)
# make check  lint and the quick tests of the core: before each commit
# make test   everything that is tested: lint, core, pages, the timeline's JavaScript, browser
# make test-js  the pure parts of the timeline's JavaScript, under node
# make docs   the API reference, from the docstrings, into build/docs
# make calibrate  false alarms and power of every check, and how each question is marked, over 200 seeds
# make mutants    changes of the core's lines that no test sees (MODULES="posterior nets/mlp" WORKERS=2)
# make bench  the ratios that the project promises, measured side by side in one run
# make soak   an hour of 30 visitors, and whether the server's memory stays bounded (SOAK_MINUTES=... changes it)

PYTHON ?= python3
PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin
NPM := node_modules/.bin
NO_NODE := echo "Node 20 or newer and npm are needed to check the JavaScript: install your system's packages (Debian, Ubuntu: apt-get install nodejs npm)."; exit 1
JS_FILES := "assets/{classroom,questions,shell,timeline}/*.{js,ts,css}" "tests/{classroom,questions,shell,timeline}/*.js" "*.{js,json}"

# The tests run side by side, a thread each.
unit test: export OMP_NUM_THREADS := 1

.PHONY: run check unit test test-js golden node lint docs bench soak calibrate mutants screenshots format clean

run: $(VENV)/run
	$(BIN)/python -m streamlit run app.py --server.port $(PORT)

check: $(VENV)/dev node_modules/installed
	@$(MAKE) --no-print-directory -j2 --output-sync=target lint unit

unit: $(VENV)/dev
	$(BIN)/python -m pytest -n 2 -m "not slow" tests/core tests/reference

test: lint test-js
	CHROMIUM="$$($(BIN)/python tests/browser/get_chromium.py)" && export CHROMIUM && $(BIN)/python -m pytest -n 2 --dist worksteal tests

test-js: golden
	node --test --test-reporter=spec tests/classroom/*.test.js tests/questions/*.test.js tests/shell/*.test.js tests/timeline/*.test.js

# What Python sends and what must come of it: node compares the numbers, tsc the wire format.
golden: $(VENV)/dev node
	$(BIN)/python -m tests.timeline.golden

lint: $(VENV)/dev node_modules/installed golden
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(NPM)/eslint assets tests eslint.config.js
	$(NPM)/prettier --check --log-level warn $(JS_FILES)
	$(NPM)/tsc

format: $(VENV)/dev node_modules/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(NPM)/prettier --write --log-level warn $(JS_FILES)

bench: $(VENV)/dev
	$(BIN)/python tests/benchmarks/bench_sampler.py
	$(BIN)/python tests/benchmarks/bench_exact.py
	$(BIN)/python tests/benchmarks/bench_training.py
	$(BIN)/python tests/benchmarks/bench_four_ways.py
	$(BIN)/python tests/benchmarks/bench_text.py
	$(BIN)/python tests/benchmarks/bench_lessons.py
	$(BIN)/python tests/benchmarks/bench_release.py
	$(BIN)/python tests/benchmarks/bench_class.py
	CHROMIUM="$$($(BIN)/python tests/browser/get_chromium.py)" && export CHROMIUM && $(BIN)/python tests/benchmarks/bench_timeline.py

soak: $(VENV)/dev
	$(BIN)/python tests/benchmarks/soak.py

calibrate: $(VENV)/dev
	$(BIN)/python tests/calibrate.py
	$(BIN)/python -m tests.calibrate_questions

mutants: $(VENV)/dev
	$(BIN)/python -m tests.mutants $(MODULES) $(if $(WORKERS),--workers $(WORKERS))

docs: $(VENV)/dev
	$(BIN)/python -m sphinx -q -b html docs build/docs

screenshots: $(VENV)/dev
	CHROMIUM="$$($(BIN)/python tests/browser/get_chromium.py)" && export CHROMIUM && $(BIN)/python -m tests.browser.screenshots

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $$($(PYTHON) --version) came. Name another with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run: requirements.txt | $(VENV)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/dev: requirements-dev.txt requirements-multi.txt requirements.txt | $(VENV)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/run

node:
	@node -e 'process.exit(Number(parseInt(process.versions.node) < 20))' 2>/dev/null || { $(NO_NODE); }

node_modules/installed: package-lock.json | node
	@command -v npm >/dev/null || { $(NO_NODE); }
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

clean:
	rm -rf $(VENV) node_modules .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build
