# Everything runs in .venv, made from uv.lock. uv comes from PATH, or else is brought into .tools.
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
# The Python that is here is the Python that is used: nothing but packages is downloaded, unless somebody asks for it.
export UV_PYTHON_DOWNLOADS ?= never
# To uv, python3 is any Python 3 that fits; a path is the one that is meant.
NAMED := $(if $(filter-out file,$(origin PYTHON)),$(or $(shell command -v $(PYTHON)),$(PYTHON)))
export UV_PYTHON ?= $(or $(NAMED),$(PYTHON))
# Certificates are the system's, so that it works behind a network's own proxy too.
export UV_SYSTEM_CERTS ?= true
# Who forbade Python to keep what it compiled would have each of hundreds of starts compile everything anew.
unexport PYTHONDONTWRITEBYTECODE
RUN := $(UV) run --no-sync
# .venv is made anew where its Python is gone or another one, as after an upgrade of the system, and where PYTHON names
# another one. What is compared is 3.13 of "Python 3.13.5", or of "version_info = 3.13.5".
version = $(or $(basename $(lastword $(shell $(1) 2>/dev/null))),none)
MADE := $(call version,grep ^version .venv/pyvenv.cfg)
RUNS := $(call version,.venv/bin/python -V)
WANTED := $(if $(NAMED),$(call version,$(NAMED) -V))
OTHER := $(if $(filter-out $(MADE),$(RUNS) $(WANTED)),another-python)

.PHONY: help run demo check test quick lint types unit steady bench reliability chaos fuzz audit pictures clean another-python
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/run ## run the bot with the settings of .env
	$(RUN) python -m bot

check: .venv/run ## try the settings, the database, the API key and the bot token, without appearing in Discord or posting
	$(RUN) python -m bot check

demo: .venv/demo ## the bot on a page of its own: no Discord, no ImaginePro, no credentials
	$(RUN) python -m bot demo

test: lint types unit ## everything that must be green before a change lands

quick: lint types ## what tells most in a minute, to be run while working
	$(RUN) pytest -q -n 2 -k "not postgresql" --hypothesis-profile=quick tests/domain tests/storage tests/chat tests/test_docs.py

lint: .venv/dev
	$(RUN) ruff format --check
	$(RUN) ruff check
	$(RUN) lint-imports

types: .venv/dev
	$(RUN) mypy

unit: .venv/dev
	rm -rf .venv/coverage
	$(RUN) coverage run -m pytest -n 4 --maxschedchunk=1
	$(RUN) coverage combine --quiet
	$(RUN) coverage report

steady: .venv/dev ## run make test ten times beside eight programs that take the processor from it: an hour
	$(RUN) python -m tests.steady --runs 10 --beside 8 -- $(MAKE) test

bench: .venv/dev ## the figures that the bot is held to, beside a bare client of discord.py; three to seven minutes
	$(RUN) python -m bench

reliability: .venv/dev ## kill the bot 300 times an engine, stop it, let storms come, take Discord away, let copies overlap: 30 minutes
	$(RUN) python -m tests.kill --kills 200 --engine sqlite
	$(RUN) python -m tests.kill --kills 200 --engine postgresql
	$(RUN) python -m tests.beside --kills 100 --engine sqlite
	$(RUN) python -m tests.beside --kills 100 --engine postgresql
	$(RUN) python -m tests.acts --kills 100 --engine sqlite
	$(RUN) python -m tests.acts --kills 100 --engine postgresql
	$(RUN) python -m tests.stop
	$(RUN) python -m tests.storm
	$(RUN) python -m tests.outage
	$(RUN) python -m tests.overlap --seconds 90 --engine sqlite
	$(RUN) python -m tests.overlap --seconds 90 --engine postgresql

chaos: .venv/dev ## let everything go wrong at random in 200 seeds an engine, with two copies: four to ten minutes
	$(RUN) python -m tests.chaos --seeds 200

fuzz: .venv/dev ## try up to 5,000 inputs, instead of some 100, for each claim that is made of any input: ten to twenty minutes
	$(RUN) pytest -q -n 2 -m hypothesis --hypothesis-profile=fuzz

audit: .venv/dev ## ask OSV (api.osv.dev) for known holes in every locked package; fails when it cannot be asked
	$(UV) export --quiet --locked --all-extras --all-groups --no-emit-project --no-header --output-file .venv/locked.txt
	$(UV) tool run pip-audit@2.10.1 --strict --vulnerability-service osv --disable-pip --require-hashes -r .venv/locked.txt

pictures: .venv/dev ## make the pictures in docs anew, by the demo in a browser
	@command -v chromium >/dev/null || { echo "Chromium is needed" >&2; exit 1; }
	$(RUN) pytest -q tests/sandbox/test_demo.py
	$(RUN) python -m tests.sandbox.gallery
	cp $(patsubst docs/%,artifacts/%,$(wildcard docs/*.png)) docs/

.tools/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; say which with PYTHON=/path/to/python3.13, or PYENV_VERSION=3.13 where pyenv has it" >&2; exit 1; }
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check uv

.venv/run .venv/demo .venv/dev: pyproject.toml uv.lock $(OTHER) | $(filter .tools/bin/uv,$(UV))
	$(UV) sync --quiet --locked $(if $(filter %/dev,$@),--all-extras,--no-dev $(if $(filter %/demo,$@),--extra demo)) --inexact
	@touch $@

clean: ## remove everything that was made here
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis artifacts
