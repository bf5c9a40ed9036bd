.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
# Dozens of processes are started; each would compile all of its imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test check fmt proto lock e2e clean

PYTHON ?= python3
BIN := .venv/bin
PY := $(BIN)/python
export PATH := $(CURDIR)/$(BIN):$(PATH)
UV := $(BIN)/uv
STAMP := .venv/.installed
OWN := $(sort $(patsubst %/pyproject.toml,%,$(wildcard libs/*/pyproject.toml services/*/pyproject.toml)))
SERVICES := $(notdir $(wildcard services/*))
CODE := $(filter-out libs/protos/src,$(wildcard libs/*/src services/*/src)) libs/client/generate_refusals.py \
	libs/protos/generate.py tests benchmarks
COMPILE := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	--custom-compile-command "make lock" $(foreach package,$(OWN),--no-emit-package shelfcast-$(notdir $(package)))
RELEASE = $(shell git tag --list 'v*' --sort=-v:refname | head -n 1)

help: ## show the targets
	@grep -hE '^[a-z0-9%-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9%-]+):.*## (.*)/\1|\2/' | column -t -s '|'

setup: $(STAMP) ## create .venv and install what the lock pins; done again only when that changed

$(STAMP): requirements/bootstrap.lock requirements/dev.lock $(addsuffix /pyproject.toml,$(OWN))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	$(UV) pip sync --python $(PY) --compile-bytecode --require-hashes requirements/dev.lock
	$(UV) pip install --python $(PY) --quiet --no-deps --no-build-isolation $(addprefix -e ,$(OWN))
	@touch $@

run: setup ## start all, load, train, forecast; DATA=sales.csv for your file, ONCE=1 to stop when done
	@$(BIN)/shelfcast up $(if $(DATA),--data '$(DATA)',--demo) $(if $(filter 1,$(ONCE)),--once)

test: setup ## run every test that can run here; the summary names what is left out
	$(PY) -m pytest

e2e: setup ## run only the tests of the running product
	$(PY) -m pytest tests/e2e

check: setup ## lint, types, import rules, protos, stubs as generated
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports
	$(BIN)/buf lint
	@if [ -n "$(RELEASE)" ]; then $(BIN)/buf breaking --against '.git#tag=$(RELEASE)'; fi
	@scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; mkdir -p "$$scratch/libs/protos"; \
		ln -s "$$PWD/protos" "$$PWD/third_party" "$$scratch/"; cp libs/protos/generate.py "$$scratch/libs/protos/"; \
		$(PY) "$$scratch/libs/protos/generate.py"; \
		diff -r --exclude=__pycache__ libs/protos/src "$$scratch/libs/protos/src" \
		|| { echo 'The stubs are not as generated: run make proto and commit what it writes.'; exit 1; }

fmt: setup ## format the code and write the generated parts of the README
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(PY) -m shelfcast_testing.readme

proto: setup ## regenerate stubs, the client's exceptions and the documents of the API from the protos
	$(PY) libs/protos/generate.py
	$(PY) libs/client/generate_refusals.py
	$(PY) -m shelfcast_gateway contract docs

lock: setup ## resolve all dependencies anew into requirements/*.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--custom-compile-command "make lock" requirements/bootstrap.in -o requirements/bootstrap.lock
	$(COMPILE) --quiet pyproject.toml --group dev -o requirements/dev.lock
	for service in $(SERVICES); do \
		$(COMPILE) --quiet services/$$service/pyproject.toml -c requirements/dev.lock -o requirements/$$service.lock; \
	done

bench-%: setup ## measure one thing: accuracy, serving, ingest, data, quality, startup; variables go through the environment
	$(PY) benchmarks/$*.py
	@$(PY) -m shelfcast_testing.readme

clean: ## remove caches and what runs have left; .venv stays
	rm -rf var build dist htmlcov .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
