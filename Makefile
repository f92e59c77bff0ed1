# Everything runs from .venv, which is made on first use; `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BENCH := .bench-venv
TABLES := .tables-venv
BIN := $(VENV)/bin
PIP_FLAGS := -qq --disable-pip-version-check --no-input
CODE := src tests scripts $(wildcard benchmarks)

# One BLAS thread per test worker: two workers on two cores would otherwise fight over them.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMEXPR_NUM_THREADS=1
WORKERS ?= 2
NUMERICS := $(addprefix tests/test_,$(addsuffix .py,numerics kernels kernels_incomplete incomplete sweep precision \
	weight_units families_density families_steps known_answers_mixtures factor_analysis hmm chains loops conformance))

QUICK := $(addprefix tests/test_,$(addsuffix .py,numerics known_answers_mixtures factor_analysis experts dawid_skene options \
	custom_model imports store plan labels algorithms axes order every_verb))

.PHONY: help venv test check explore numerics lint demo demo-table demo-production bench tables columns components soak judge clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

venv: $(VENV)/.stamp ## make .venv with the project and everything that tests and demo need

$(VENV)/.stamp: pyproject.toml constraints.txt scripts/make_venv.sh
	@echo "unseen: setting up $(VENV) (once; a minute or two)" >&2
	@scripts/make_venv.sh "$(PYTHON)" $(VENV)
	@$(BIN)/python -m pip install $(PIP_FLAGS) -c constraints.txt pip setuptools
	@$(BIN)/python -m pip install $(PIP_FLAGS) -c constraints.txt --no-build-isolation -e '.[all,dev]'
	@touch $@

test: $(VENV)/.stamp ## run every check: lint, types, import rules, tests
	@scripts/install_test_tools.sh
	@$(MAKE) --no-print-directory lint
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) -rs $(PYTEST)
	@$(MAKE) --no-print-directory numerics

explore: $(VENV)/.stamp ## the tests with examples of properties that no run had before (EXPLORE_ARGS="--hypothesis-seed 7")
	EXPLORE=1 $(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) -q tests $(EXPLORE_ARGS)

check: $(VENV)/.stamp ## the inner loop, under a minute: lint, types, import rules, and the quick part of the tests
	@$(MAKE) --no-print-directory lint
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) -q $(QUICK) $(PYTEST)

numerics: $(VENV)/.stamp ## the numerical tests again as on other machines: narrower vectors, small blocks, rows in another order
	@for as in narrow small shuffled; do echo "unseen: numerical tests, $$as" >&2; \
	  env $(ONE_THREAD) AS_ON=$$as $$($(BIN)/python -m tests.other_machines $$as) \
	  $(BIN)/python -m pytest -q -n $(WORKERS) -p tests.other_machines $(NUMERICS); done

lint: $(VENV)/.stamp ## ruff, mypy and the import contracts
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

demo: $(VENV)/.stamp ## fit the flights of 2013 out of New York and write the report
	@$(BIN)/python -m unseen.demo

demo-table: $(VENV)/.stamp ## fit an ordinary table without an option: applications for credit, with holes and heaps at zero
	@$(BIN)/python -m unseen.demo.table

demo-production: $(VENV)/.stamp ## live with the flights month by month: retrain, drift, refuse, promote, roll back
	@$(BIN)/python -m unseen.demo.production

bench: $(BENCH)/.stamp ## measure against the peers, in an environment of their own
	$(BENCH)/bin/python benchmarks/run.py $(BENCH_ARGS)

tables: $(TABLES)/.stamp ## judge the default fit on thirty ordinary tables (hours; TABLES_ARGS="--quick")
	$(TABLES)/bin/python benchmarks/tables $(TABLES_ARGS)

columns: $(TABLES)/.stamp ## judge what a fit takes the columns of public tables for (minutes; COLUMNS_ARGS="--kinds")
	$(ONE_THREAD) $(TABLES)/bin/python benchmarks/columns $(COLUMNS_ARGS)

components: $(VENV)/.stamp ## judge the number of components of default fits where the truth is known (minutes)
	$(ONE_THREAD) $(BIN)/python benchmarks/components.py $(COMPONENTS_ARGS)

soak: $(VENV)/.stamp ## a thousand retrains, a fifth of them hit by faults (minutes; SOAK_ARGS="--retrains 50")
	$(ONE_THREAD) $(BIN)/python benchmarks/soak.py $(SOAK_ARGS)

judge: $(VENV)/.stamp ## judge what a loop promotes and holds: wrong months, clean ones, slow drift (hours; JUDGE_ARGS="--quick")
	$(ONE_THREAD) $(BIN)/python -m benchmarks.judge $(JUDGE_ARGS)

$(BENCH)/.stamp: pyproject.toml constraints.txt benchmarks/requirements.txt scripts/make_venv.sh
	@echo "unseen: setting up $(BENCH) with the peers (once; several minutes)" >&2
	@scripts/make_venv.sh "$(PYTHON)" $(BENCH)
	@$(BENCH)/bin/python -m pip install $(PIP_FLAGS) -c constraints.txt pip setuptools
	@$(BENCH)/bin/python -m pip install $(PIP_FLAGS) -c constraints.txt -r benchmarks/requirements.txt
	@$(BENCH)/bin/python -m pip install $(PIP_FLAGS) -c constraints.txt --no-build-isolation -e '.[sklearn,frames]'
	@touch $@

$(TABLES)/.stamp: pyproject.toml constraints.txt benchmarks/requirements-tables.txt scripts/make_venv.sh
	@echo "unseen: setting up $(TABLES) with tables and peers (once; a minute or two)" >&2
	@scripts/make_venv.sh "$(PYTHON)" $(TABLES)
	@$(TABLES)/bin/python -m pip install $(PIP_FLAGS) -c constraints.txt pip setuptools
	@$(TABLES)/bin/python -m pip install $(PIP_FLAGS) -c constraints.txt -r benchmarks/requirements-tables.txt
	@$(TABLES)/bin/python -m pip install $(PIP_FLAGS) -c constraints.txt --no-build-isolation -e '.[sklearn,frames]'
	@touch $@

clean: ## remove the environments, caches and built files
	rm -rf $(VENV) $(BENCH) $(TABLES) $(addsuffix .virtualenv,$(VENV) $(BENCH) $(TABLES)) build dist .demo .demo-production src/*.egg-info
	rm -rf .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find src tests scripts $(wildcard benchmarks) -name __pycache__ -type d -prune -exec rm -rf {} +
