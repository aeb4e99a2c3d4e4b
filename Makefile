# Two commands for a newcomer: `make up` and `make test`. Each does all its own set-up from a bare checkout.
PORT ?= 8000
ARGS ?=
PYTHON ?= $(shell for p in python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys,venv,ensurepip; sys.exit(sys.version_info[:2] not in ((3,11),(3,12)))' 2>/dev/null && echo $$p && break; done)
PY := .venv/bin/python
# A folder of wheels (make wheels, on a machine with a network): then nothing is fetched.
WHEELS := $(wildcard wheels)
# The lock files are complete, so nothing is resolved anew: pip would weigh a library's newer release for "coverage[toml]" and stop at it.
PIP := -m pip install -q --disable-pip-version-check --no-deps --require-hashes $(if $(WHEELS),--no-index --find-links $(WHEELS))
LOCK := $(shell cat requirements.txt requirements-dev.txt 2>/dev/null | cksum | cut -d' ' -f1)

.PHONY: up test drills fuzz bench wheels fast lint lock demo servers coverage-of-plan quality clean

up: .venv/.run-$(LOCK)
	@exec $(PY) manage.py up --port $(PORT)

test: .venv/.dev-$(LOCK)
	@exec $(PY) -m tests.run $(ARGS)

fast: .venv/.dev-$(LOCK)
	@exec $(PY) -m pytest -q -n auto --dist loadfile --no-loadscope-reorder -m "not browser" $(ARGS)

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "需要 Python 3.11 或 3.12（含 venv 与 pip）"; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/.run-$(LOCK): .venv/bin/python
	@echo "安装运行依赖…"
	@$(PY) $(PIP) -r requirements.txt
	@touch $@

.venv/.dev-$(LOCK): .venv/bin/python
	@echo "安装开发依赖…"
	@$(PY) $(PIP) -r requirements-dev.txt
	@touch $@ .venv/.run-$(LOCK)

servers: .venv/.run-$(LOCK)  ## the embedded PostgreSQL and Redis alone, for work by hand
	@exec $(PY) -m heating.embedded

demo: .venv/.run-$(LOCK)  ## the demonstration log-ins
	@$(PY) manage.py demo

coverage-of-plan: .venv/.dev-$(LOCK)  ## which clauses of the plan no test proves
	@$(PY) -m tests.coverage_of_plan

quality: .venv/.dev-$(LOCK)  ## how often the reader of complaints is right
	@$(PY) tests/complaints/report_quality.py

drills: .venv/.dev-$(LOCK)  ## every fault drill, in full; ARGS="worker redis --short" for some of them
	@exec $(PY) -m tests.drills --write $(ARGS)

bench: .venv/.dev-$(LOCK)  ## speed as ratios; ARGS="--size 1m", "--only pages"
	@exec $(PY) -m bench --write $(ARGS)

fuzz: .venv/.dev-$(LOCK)  ## the API against what its schema allows and what it does not; ARGS="--cases 2000" for a short one
	@exec $(PY) -m tests.fuzz --write $(ARGS)

lint: .venv/.dev-$(LOCK)
	@$(PY) -m ruff check .

wheels: .venv/bin/python  ## everything to install without a network, into wheels/
	@$(PY) -m pip download -q --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -d wheels -r requirements-dev.txt

lock:  ## needs uv
	uv pip compile --universal --python-version 3.11 --generate-hashes requirements.in -o requirements.txt -q
	uv pip compile --universal --python-version 3.11 --generate-hashes requirements-dev.in -o requirements-dev.txt -q

clean:
	rm -rf .venv var
