# One entry for everything that is done with this project; `make help` lists it.
.DEFAULT_GOAL := help
# the steps share one environment and one engine
.NOTPARALLEL:
.PHONY: help demo diffusion test check lint bench fuzz lock format clean runtime development engine base-image browser
SHELL := /bin/bash

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: runtime engine base-image ## Build the mini benchmark, run three submissions, render the leaderboard
	@scripts/demo.sh

diffusion: ## Install PyTorch and what editing with a diffusion model needs besides
	@scripts/python-env.sh diffusion

test: lint engine base-image browser ## Run the checks and every test, Docker and Chromium included
	@scripts/test.sh

check: lint ## Run lint, types, layers and the fast tests, as before every commit
	@.venv/bin/python -m pytest -m "not docker and not browser and not gpu and not reference"

bench: development engine base-image ## Measure everything and record it under benchmarks/
	@.venv/bin/python -m benchmarks

fuzz: development ## Fuzz what reads hostile bytes, SECONDS=60 for each target; what breaks is kept
	@.venv/bin/python tests/fuzz/fuzz.py run --seconds $(or $(SECONDS),60)

lock: development ## Pin the dependencies anew in requirements.lock (UPGRADE=1 for newer versions)
	@.venv/bin/python scripts/lock.py $(if $(UPGRADE),--upgrade)

format: development ## Format the code and sort the imports
	@.venv/bin/ruff check --fix-only .
	@.venv/bin/ruff format .

clean: ## Remove built benchmarks, caches, results and .venv
	@rm -rf .venv .cache build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@rm -rf leaderboard benchmark_data/*/images benchmark_data/*/labels benchmark_data/*/masks benchmark_data/*/filtered benchmark_data/*/.build
	@rm -f benchmark_data/*/manifest.jsonl benchmark_data/*/benchmark.json benchmark_data/*/croissant.json
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# what the targets above stand on; each does nothing where it is there already
lint: development
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
runtime:
	@scripts/python-env.sh runtime
development:
	@scripts/python-env.sh development
engine: | runtime
	@scripts/container-engine.sh
base-image: | runtime engine
	@scripts/base-image.sh
browser:
	@scripts/browser.sh
