# Every target installs first if needed; `make help` lists them.
UV := .boot/bin/uv
RUN := .venv/bin
WORKERS := 2
# Each worker has a core to itself: Polars, which would take them all, is told.
PYTEST := POLARS_MAX_THREADS=1 $(RUN)/python -m pytest -n $(WORKERS) --dist worksteal

# Container images often set it; then every process compiles its thousands of modules again, which
# is most of what a short command costs, and pytest rewrites every assertion again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install demo test check lint types arrows migrations proof mutants bench clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: .venv/.installed ## make .venv with nothing but python3 and pip

.venv/.installed: pyproject.toml uv.lock
	@test -x $(UV) || (python3 -m venv .boot && .boot/bin/pip install --quiet uv)
	$(UV) sync --frozen --quiet --extra sandbox
	@touch $@

demo: install ## bill a pretend payer's two months, documents in demo-output/
	$(RUN)/rebill demo

test: install ## run the tests
	$(PYTEST) -m "not proof"

check: install lint types arrows migrations test ## everything a reviewer would ask

lint: install ## format and style
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .

types: install ## strict types
	$(RUN)/mypy

arrows: install ## who may import whom
	$(RUN)/lint-imports

migrations: install ## are the migrations in step with the tables
	$(RUN)/python -m service.store.check_migrations

proof: install ## the long proofs: 10,000 generated months, 200 kills, …
	$(RUN)/python -m pytest -m proof --timeout 3600

mutants: install ## is each figure held by a test: change the code, see one fail (hours)
	$(RUN)/mutmut run --max-children $(WORKERS)
	$(RUN)/python -m tests.support.mutants.score --lived
	$(RUN)/python -m tests.support.mutants.score

bench: install ## ingest and bill 5 million rows beside DuckDB
	$(RUN)/python -m bench

clean: ## remove what the targets made, but no data
	rm -rf .venv .boot demo-output mutants
