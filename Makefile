# Everything starts here. It needs make and a Python (3.9 or newer, to begin with) and gets the rest by itself.
.DEFAULT_GOAL := help
.NOTPARALLEL: # each step has all cores to itself, and two builds at once would spoil each other's
.PHONY: help images setup demo smoke first-hour mistakes test test-fast test-all simulate crashes mutants chaos fuzz bench bench-long check frontend screenshots mail-pictures receipt-pictures sandbox stripe-contract stripe-cli clean

PYTHON ?= python3
BIN := .venv/bin
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo .cache/uv/bin/uv)
CLI_VERSION := 1.52.0
NODE_SDK_VERSION := 23.1.0
CLI := .cache/stripe-cli
SYNCED := .venv/.synced
CLI_READY := $(CLI)/.installed-$(CLI_VERSION)-$(NODE_SDK_VERSION)
NODE_READY := frontend/node_modules/.installed
BUILT := frontend/.built
# Folders too: their time changes when a file goes away.
PAGES := $(shell find frontend/src 2>/dev/null) $(wildcard frontend/*.ts frontend/*.mjs frontend/*.json)
# By another name: make runs a line that has make's own variable in it even with -n.
THIS_MAKE := $(MAKE)
NPM = cd frontend && PATH="$(CURDIR)/$(BIN):$$PATH" NEXT_TELEMETRY_DISABLED=1 npm --silent

export UV_PROJECT_ENVIRONMENT := .venv
unexport VIRTUAL_ENV
# Or each of the many processes that are started would compile all that it imports anew: two thirds of its start.
unexport PYTHONDONTWRITEBYTECODE

# What production sets, with values that belong to nobody: for the checks that look at production's settings.
PRODUCTION = env -u ESTUARY_SANDBOX STRIPE_SECRET_KEY=sk_live_of_nobody_in_all_this_world STRIPE_WEBHOOK_SECRET=whsec_of_nobody_in_this_world \
	NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY=pk_live_of_nobody_in_all_this_world FRONTEND_URL=https://estuary.example ESTUARY_TRUSTED_PROXIES=1 EMAIL_URL=smtp://post.example:587/ \
	DATABASE_URL=postgresql://nobody@127.0.0.1:9/nothing
SANDBOX = env ESTUARY_SANDBOX=1 ESTUARY_VAR=.var/check

help: ## list the targets (this)
	@echo "Estuary payments. Needs make and Python; gets everything else by itself."
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

demo: $(SYNCED) ## start everything, buy one of everything, stay up (WEB_PORT, SANDBOX_PORT, PROXY=1)
	@MAKE='$(THIS_MAKE)' exec $(BIN)/python -m demo

smoke: $(SYNCED) ## the same on free ports behind the proxy (PROXY=0: without), then stop: 0 when all was well
	@MAKE='$(THIS_MAKE)' exec $(BIN)/python -m demo --smoke

first-hour: $(SYNCED) ## play a newcomer's first hour: a fresh clone, the README's block for the real Stripe, a paid order
	@$(BIN)/python -m demo.first_hour

mistakes: $(SYNCED) ## make the common mistakes of set-up, one after another, and see that `manage.py checkup` names each
	@$(BIN)/python -m demo.mistakes

PYTEST = $(BIN)/python -m pytest -n auto --dist loadscope

test: $(SYNCED) $(CLI_READY) $(BUILT) ## run the tests, all but the exhaustive ones
	@$(BIN)/python -m tests.chromium
	$(PYTEST) -m "not exhaustive"

test-fast: $(SYNCED) ## run those of the rules, the sandbox and the API, without a browser: under two minutes
	$(PYTEST) -m "not exhaustive" tests/domain tests/sandbox tests/api --ignore tests/sandbox/stripe_js

test-all: $(SYNCED) $(CLI_READY) $(BUILT) ## run every test, the exhaustive ones too: for the night
	@$(BIN)/python -m tests.chromium
	$(PYTEST)

fuzz: $(SYNCED) ## send many odd requests to the API (CASES, SEED, ROLE)
	@ESTUARY_FUZZ_CASES=$(or $(CASES),20000) ESTUARY_FUZZ_SEED=$(or $(SEED),1) ESTUARY_FUZZ_ROLE="$(ROLE)" \
	  $(BIN)/python -m pytest tests/fuzz --show-capture=no --tb=short

simulate: $(SYNCED) ## play random scenarios and check each: SEEDS=n FROM=first, or SEED=one WITHOUT='parts'
	@ESTUARY_SANDBOX=1 ESTUARY_VAR=$(or $(ESTUARY_VAR),.var/simulation) $(BIN)/python -W ignore -m tests.simulation \
	  $(if $(SEED),--seed $(SEED) --without '$(WITHOUT)',--seeds $(or $(SEEDS),100) --first $(or $(FROM),0))

crashes: $(SYNCED) ## kill each flow at each point at which its process can die, or (PAIRS=1) three of them at each pair
	@ESTUARY_SANDBOX=1 ESTUARY_VAR=$(or $(ESTUARY_VAR),.var/simulation) $(BIN)/python -W ignore -m tests.simulation \
	  $(if $(PAIRS),--pairs,--crashes)

mutants: $(SYNCED) ## break the product on purpose, in many ways, and see that scenarios notice each: ONLY=part-of-a-name SEEDS=n
	@ESTUARY_SANDBOX=1 ESTUARY_VAR=$(or $(ESTUARY_VAR),.var/simulation) $(BIN)/python -W ignore -m tests.simulation.mutation_testing \
	  --only '$(ONLY)' --seeds $(or $(SEEDS),150)

chaos: $(SYNCED) ## kill web servers, workers and PostgreSQL while people buy: PAYMENTS=n KILL_EVERY=seconds CLIENTS=n SEED=n PGBOUNCER=1 REPLICA=1 NODES=n PROXY=1
	@$(BIN)/python -W ignore -m tests.chaos --payments $(or $(PAYMENTS),2000) --kill-every $(or $(KILL_EVERY),4) \
	  --clients $(or $(CLIENTS),16) --seed $(or $(SEED),1) $(if $(PGBOUNCER),--pgbouncer) $(if $(REPLICA),--replica) $(if $(NODES),--nodes $(NODES)) $(if $(filter 1,$(PROXY)),--proxy)

bench: $(SYNCED) ## measure the hot paths beside the alternatives: ROUNDS=n SECONDS=each ONLY='accept settle …'
	@$(BIN)/python -m benchmarks --rounds $(or $(ROUNDS),5) --seconds $(or $(SECONDS),10) $(if $(ONLY),--only $(ONLY),--write)

bench-long: $(SYNCED) ## measure what grows: ORDERS='few many' MINUTES=of-load
	@$(BIN)/python -m benchmarks.long $(if $(ORDERS),--orders $(ORDERS)) --minutes $(or $(MINUTES),60)

check: $(SYNCED) $(NODE_READY) $(BUILT) ## style, types, layers, migrations, deployment settings, the OpenAPI document, the API client, the weight of pages, known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PRODUCTION) $(BIN)/mypy
	$(BIN)/lint-imports
	$(SANDBOX) $(BIN)/python manage.py makemigrations --check --dry-run
	@$(SANDBOX) DJANGO_SETTINGS_MODULE=estuary.config.settings $(BIN)/python -W ignore -m tests.migration_safety
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(PRODUCTION) $(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null
	$(NPM) run lint
	$(NPM) run types
	$(NPM) run api -- --check
	$(NPM) run size -- --check
	$(BIN)/python -m tests.audit --uv $(UV)

frontend: $(BUILT) ## build the storefront, when its sources have changed

images: $(SYNCED) ## write images.env: each base image by the digest it has now (CHECK=1: only look whether each has one)
	@$(BIN)/python -m demo.images $(if $(CHECK),--check)

sandbox: $(SYNCED) ## run the Stripe sandbox alone, on 127.0.0.1:12111
	@exec $(BIN)/python -m stripe_sandbox

stripe-contract: $(SYNCED) ## try each parameter of Stripe's on the sandbox, and print which it obeys, echoes or refuses
	@$(BIN)/python -m tests.sandbox.parameters

stripe-cli: $(CLI_READY) ## get Stripe's official command line tool, and its Node SDK for the tests, into .cache/stripe-cli
	@echo "Stripe CLI: $(CLI)/node_modules/.bin/stripe"

# What is served is compressed once, here, and never while somebody waits.
$(BUILT): $(PAGES) $(NODE_READY) | $(SYNCED)
	@echo "Building the storefront"
	@$(NPM) run build > .build.log 2>&1 || { cat .build.log; \
	  echo "The storefront could not be built: the lines above say why."; exit 1; }
	@$(BIN)/python -m whitenoise.compress --quiet frontend/out/_next
	@touch $@

# The lock names the packages of every platform, so it is followed to the letter.
$(NODE_READY): frontend/package.json frontend/package-lock.json | $(SYNCED)
	@echo "Getting the storefront's packages"
	@$(NPM) ci --loglevel error || { \
	  echo "The storefront's packages could not be downloaded: the lines above say why. Is there a network?"; exit 1; }
	@touch $@

screenshots: $(SYNCED) $(BUILT) ## take the pictures in docs/images again
	@$(BIN)/python -m tests.chromium
	$(BIN)/python -m tests.browser.screenshots

mail-pictures: $(SYNCED) ## take a picture of each mail at a phone's width, into .var/mail-pictures
	@$(BIN)/python -m tests.chromium
	@$(SANDBOX) $(BIN)/python -W ignore -m tests.browser.mail_pictures

receipt-pictures: $(SYNCED) $(BUILT) ## take pictures of receipts, as PDF and as the page on a phone, into .var/receipt-pictures
	@$(BIN)/python -m tests.chromium
	@$(SANDBOX) DJANGO_SETTINGS_MODULE=estuary.config.settings DATABASE_URL=postgresql://nobody@127.0.0.1:9/nothing \
	  $(BIN)/python -W ignore -m tests.browser.receipt_pictures

clean: ## remove what the demo and the tests left; keeps what was downloaded
	rm -rf .var .pytest_cache .mypy_cache .ruff_cache .hypothesis frontend/.next frontend/out $(BUILT)

setup: $(SYNCED) ## get uv, Python and every package

.cache/uv/bin/uv:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "No $(PYTHON) here. Install Python 3.12 or newer, or say which one: make PYTHON=/path/to/python …"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 9))' || { \
	  echo "$(PYTHON) is too old to begin with. Say which Python (3.9 or newer) to use: make PYTHON=python3.12 …"; exit 1; }
	@echo "Getting uv into .cache/uv"
	@$(PYTHON) -m venv .cache/uv || { rm -rf .cache/uv; \
	  echo "This Python can't make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@.cache/uv/bin/pip install --quiet --disable-pip-version-check uv || { rm -rf .cache/uv; \
	  echo "uv could not be downloaded. Is there a network? With uv on the PATH this step is skipped."; exit 1; }

# The lock is followed to the letter. Where Python 3.13 is neither there nor to be had, any from 3.12 on will do.
$(SYNCED): pyproject.toml uv.lock .python-version | $(UV)
	@$(UV) sync --frozen || $(UV) sync --frozen --python '>=3.12,<3.15' || { \
	  echo "The packages could not be installed: the lines above say why. Most often there is no network, or no"; \
	  echo "Python 3.12 or newer and none to be downloaded: install one, and run make again."; exit 1; }
	@touch $@

# Node comes out of a wheel into the virtual environment, so npm is there without a Node on the machine.
$(CLI_READY): | $(SYNCED)
	@echo "Getting the Stripe CLI $(CLI_VERSION) and Stripe's Node SDK $(NODE_SDK_VERSION) into $(CLI)"
	@mkdir -p $(CLI)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm install --prefix $(CLI) --no-audit --no-fund --ignore-scripts --loglevel error \
	  @stripe/cli@$(CLI_VERSION) stripe@$(NODE_SDK_VERSION) || { \
	  echo "The Stripe CLI could not be downloaded. Is there a network? Only tests/contract needs it."; exit 1; }
	@touch $@
