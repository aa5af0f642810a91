# What a user runs: make demo, make test. Both set the environment up first (make setup).
# The Python that .venv is made with; name another one with `make setup PYTHON=python3.12`.
PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,$(if $(shell command -v $(p) 2>/dev/null),$(p))))
BIN := .venv/bin
WORKERS ?= 2
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help setup demo story test lint format bench lock clean distclean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## build .venv from the locked requirements (at once when nothing changed)
	@test -n "$(PYTHON)" || { echo "Hefu needs Python 3.11 or newer on the PATH" >&2; exit 2; }
	@$(PYTHON) requirements/setup_venv.py

demo: setup ## run the whole region of three agencies on this machine, into demo/
	@$(BIN)/python -m examples.region

story: setup ## walk docs/cooperation.md on a fresh region, command by command (minutes)
	@folder=$$(mktemp -d) && ln -s "$(CURDIR)/.venv" "$$folder/.venv" && \
	HEFU_LANG=en COLUMNS=120 PYTHONPATH="$(CURDIR)" $(BIN)/python tests/cli/walk_document.py \
	docs/cooperation.md "$$folder" --undated | tee "$$folder/differences.json" && \
	grep -qx '\[\]' "$$folder/differences.json"

# A file's tests stay with one worker, so that what they share (a server, a region) is made once.
test: setup ## run all tests
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

lint: setup ## check style, types, the import rule, the contracts' versions and the pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m schemas.compatibility --quiet
	$(BIN)/python -m cooperation.procedures --check

format: setup ## put the code into the house's form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: setup ## measure, and print the table of bench/README.md
	@$(BIN)/python -m bench

# dev.txt is resolved first; the two smaller files take their versions from it.
# Versions stay as they are unless a requirement changed; `make lock UPGRADE=--upgrade` moves them.
UPGRADE ?=
COMPILE = CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet $(UPGRADE) \
	--generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host pyproject.toml
lock: setup ## resolve and hash the requirements anew (minutes)
	$(COMPILE) --all-extras --output-file requirements/dev.txt
	$(COMPILE) --extra node --constraint requirements/dev.txt --output-file requirements/node.txt
	$(COMPILE) --constraint requirements/dev.txt --output-file requirements/base.txt

clean: ## remove what was built or cached, and the demo's nodes
	rm -rf demo dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

distclean: clean ## clean, and remove .venv too
	rm -rf .venv
