# Semblance: `make run` sets everything up and starts it; `make help` lists the rest.
# Variables of the product may stand on the command line: make run WEB_PORT=8001 DATA_DIR=/data

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	"$$p" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && \
	command -v "$$p" && break; done)

VENV := .venv/bin/python
CODE := platform workers ml deploy manage.py client/semblance_client

# The value as it was typed, handed on by environment: spaces, quotes and $ stay what they are.
override IMAGES := $(value IMAGES)
export IMAGES
export PYTHONPATH := platform:.

.DEFAULT_GOAL := help
.PHONY: help run setup check test-changed test test-backends lint sbom format lock clean has-python \
	has-images

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile | expand -t 20

run: has-python has-images ## set up and start Semblance; IMAGES=/some/folder also brings it in
	@"$(PYTHON)" -m deploy.local.setup
	@exec $(VENV) -m deploy.local

setup: has-python ## only install what is missing
	@"$(PYTHON)" -m deploy.local.setup

check: has-python ## style, types, imports and the unit tests of what changed, in a minute or so
	@"$(PYTHON)" -m deploy.local.setup --tests
	@$(MAKE) --no-print-directory --jobs=2 lint test-changed

test-changed:
	$(VENV) -m pytest --quiet $$($(VENV) -m deploy.check.changed)

# Two processes of one thread each; the tests of a file stay together, for what they share. One that
# ends on its own is a failure at once: the tests that it had left would be waited for without end.
PYTEST := $(VENV) -m pytest --numprocesses=2 --max-worker-restart=0 --dist=loadfile \
	--no-loadscope-reorder
ON_BACKENDS_SHORT := tests/unit/catalog tests/unit/jobs tests/contract/storage \
	tests/integration/test_product.py
ON_BACKENDS := $(ON_BACKENDS_SHORT) tests/unit/ingestion tests/unit/web tests/unit/worker_api \
	tests/unit/workers

test: has-python ## set up, then run every check and every test
	@"$(PYTHON)" -m deploy.local.setup --tests
	@$(VENV) -m deploy.check.browsers
	@$(MAKE) --no-print-directory lint
	OMP_NUM_THREADS=1 $(PYTEST)
	OMP_NUM_THREADS=1 $(VENV) -m tests.backends --if-there $(PYTEST) -m "not faults" \
		$(ON_BACKENDS_SHORT)

test-backends: has-python ## the tests of all that meets them, on PostgreSQL, Valkey over TCP and S3
	@"$(PYTHON)" -m deploy.local.setup --tests
	OMP_NUM_THREADS=1 $(VENV) -m tests.backends $(PYTEST) $(ON_BACKENDS)

lint: ## style, types and who may import whom
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .
	$(VENV) -m mypy $(CODE)
	$(VENV) .venv/bin/lint-imports

sbom: has-python ## write sbom.json: what Semblance is made of, and under which licences
	@"$(PYTHON)" -m deploy.local.setup --tests
	@$(VENV) -m deploy.check.sbom sbom.json

format: ## mend what can be mended by itself
	$(VENV) -m ruff check --fix .
	$(VENV) -m ruff format .

lock: ## pin requirements.in anew in requirements.txt
	$(VENV) -m piptools compile --quiet --strip-extras --no-annotate --no-header --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --output-file .venv/lock.txt requirements.in
	{ head -n 2 requirements.txt; grep -vE '^(#|nvidia-|cuda-|triton|setuptools|$$)' .venv/lock.txt; } \
		> .venv/locked.txt && mv .venv/locked.txt requirements.txt

clean: ## forget the set-up and the caches; the data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache test-results
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

has-python:
	@test -n "$(PYTHON)" || { echo "Semblance needs Python 3.11 to 3.13 (with its venv module)." \
		"Install it, or name it: make run PYTHON=/path/to/python3.12" >&2; exit 1; }

has-images:
	@case "$$IMAGES" in ""|"~"*) ;; *) test -e "$$IMAGES" || { \
		printf 'IMAGES names %s, which does not exist.\n' "$$IMAGES" >&2; exit 1; };; esac
