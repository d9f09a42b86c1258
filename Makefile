# Every target is a line or two; the logic lives in the command line of the product and in .ci/.
# Bytecode is written whatever the environment says: without it every start compiles anew.
unexport PYTHONDONTWRITEBYTECODE
SHELL := /bin/sh
BIN := .venv/bin
CONFIG ?=
ONLY ?=
FREEZE ?=
PYTEST := $(BIN)/python -m pytest
UV := .ci/bootstrap.sh --uv

.DEFAULT_GOAL := help
.PHONY: help environment run test test-unit test-contract test-integration test-e2e bench verify \
	format ruff black docstyle pylint pyright check-types imports security-check shellcheck ranking \
	sample-files schema openapi-doc doc distribution-archives upload-distribution-archives docs/config.puml

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z].*:.*## / {printf "%-24s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

environment: ## Create or update the environment from uv.lock
	@.ci/bootstrap.sh

run: environment ## Start the service; CONFIG=file uses another configuration
	@$(BIN)/lightspeed-stack $(if $(CONFIG),-c $(CONFIG))

test: environment ## Run the checks and all tests
	@$(MAKE) verify test-unit test-contract test-integration test-e2e

test-unit: environment ## Run the unit tests
	$(PYTEST) tests/unit

test-contract: environment ## Run the suites of protocols, OpenAPI and promises
	$(PYTEST) tests/contract

test-integration: environment ## Run the tests of the service in process
	$(PYTEST) tests/integration

test-e2e: environment ## Run the tests of the installed service as a process
	$(PYTEST) tests/e2e

bench: environment ## Measure, and write docs/performance.md; ONLY=growth measures one part
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

ranking: environment ## Measure ranking, and write its table; FREEZE=1 embeds the texts anew
	@$(BIN)/python -m tests.ranking $(if $(FREEZE),--freeze)

sample-files: environment ## Write 200 real files into .cache/sample-files, to try out ingestion
	@$(BIN)/python -m tests.samples

verify: ruff imports pyright pylint ## Run every check that needs no test run
	$(PYTEST) -q tests/unit/test_house_rules.py
	@$(UV) lock --check --quiet

format: environment ## Format the code
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

ruff: environment ## Check format and lint
	$(BIN)/ruff format --check . && $(BIN)/ruff check .

black: ## Check the format (ruff's formatter does what black did)
	@echo "ruff format stands for black here" && $(BIN)/ruff format --check .

docstyle: ## Check docstrings (ruff's D rules stand for pydocstyle)
	@echo "ruff's D rules stand for pydocstyle here" && $(BIN)/ruff check --select D .

pylint: environment ## Look for duplicate code, long modules and import cycles
	$(BIN)/pylint lightspeed_core providers/lightspeed_stack_providers

pyright: environment ## Check types, strictly
	$(BIN)/pyright

check-types: pyright ## Check types, strictly

imports: environment ## Check the direction of imports
	$(BIN)/lint-imports

security-check: environment ## Look for security smells (ruff's S rules)
	$(BIN)/ruff check --select S lightspeed_core providers

shellcheck: ## Check the shell scripts
	shellcheck .ci/bootstrap.sh .ci/run

schema: environment ## Write docs/openapi.json
	$(BIN)/lightspeed-stack docs openapi --output docs/openapi.json

openapi-doc: environment ## Write docs/openapi.md
	$(BIN)/lightspeed-stack docs openapi --output docs/openapi.md

doc: schema openapi-doc docs/config.puml ## Write all generated documents
	$(BIN)/lightspeed-stack docs configuration --output docs/configuration.md
	$(BIN)/lightspeed-stack docs events --output docs/events.md
	$(BIN)/lightspeed-stack docs schema --output docs/schema.json

docs/config.puml: environment ## Write a class diagram of the configuration
	$(BIN)/lightspeed-stack docs diagram --output $@

docs/config.png docs/config.svg: docs/config.puml ## Draw it; needs plantuml
	plantuml -t$(subst .,,$(suffix $@)) $<

requirements.txt: uv.lock ## Export the locked requirements with hashes
	$(UV) export --locked --no-dev --extra k8s --extra documents --extra gguf --no-emit-workspace --output-file $@ --quiet

upload-distribution-archives: distribution-archives ## Upload them; uv reads the credentials
	$(UV) publish dist/*

distribution-archives: environment ## Build wheels and source archives of both distributions
	$(UV) build --all-packages --out-dir dist
