# The front door: every target makes what it needs first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
FAKESNOW := .servers/fakesnow
PAGE := orchestrator/server/page/index.html
MODULES := ui/node_modules/.ready
PAGE_SOURCES := $(shell find ui -name node_modules -prune -o -type f -print 2>/dev/null)
NODE_IS_NEW := node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null && command -v npm >/dev/null

.PHONY: nightly serve test test-all servers browser ui docs reference check check-ui format clean

nightly: $(READY)  ## run the nightly flow of dbt_project/ on DuckDB
	@cd dbt_project && ../$(BIN)/orchestrator run nightly

serve: $(READY) ui  ## the service with its page, on the project in dbt_project/
	@cd dbt_project && ../$(BIN)/orchestrator serve

test: $(READY) servers ui browser  ## all tests but the slow ones
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

test-all: $(READY) servers ui browser  ## all tests
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

servers: $(FAKESNOW)/.ready  ## the servers that tests start: fakesnow, and Postgres (as root on Debian; else install it)
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing postgresql"; \
	    apt-get update -q=2 && DEBIAN_FRONTEND=noninteractive apt-get install -q=2 -y --no-install-recommends postgresql >/dev/null; \
	  else echo "no Postgres server here: its tests are skipped"; fi

browser:  ## the browser that tests look at the page with (as root on Debian; else install it)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing chromium"; \
	    apt-get update -q=2 && DEBIAN_FRONTEND=noninteractive apt-get install -q=2 -y --no-install-recommends chromium >/dev/null; \
	  else echo "no Chromium here: its tests are skipped"; fi

# In an environment of its own: it pins its sqlglot.
$(FAKESNOW)/.ready: tests/fakesnow.txt
	@echo "making the environment of the fakesnow server"
	@test -x $(FAKESNOW)/bin/python || $(PYTHON) -m venv $(FAKESNOW)
	@$(FAKESNOW)/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/fakesnow.txt
	@touch $@

ui: $(PAGE)  ## build the page into the package, when its sources in ui/ are newer

$(PAGE): $(MODULES) $(PAGE_SOURCES)
	@echo "building the page"
	@cd ui && npm run --silent build -- --logLevel warn
	@touch $@

$(MODULES): ui/package-lock.json ui/package.json
	@{ $(NODE_IS_NEW); } || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing nodejs and npm"; \
	    apt-get update -q=2 && DEBIAN_FRONTEND=noninteractive apt-get install -q=2 -y --no-install-recommends nodejs npm >/dev/null; \
	  fi
	@{ $(NODE_IS_NEW); } || { echo "the page is built with Node 20.19 or newer and its npm, and this machine has none: install them (nodejs.org), or install the wheel, which carries the page" >&2; exit 1; }
	@echo "fetching what the page is built with (once)"
	@cd ui && npm ci --silent --no-audit --no-fund
	@touch $@

docs: $(READY)  ## build the documentation into site/, warnings are errors; nothing is fetched
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "read and search it: python -m http.server --directory site"

reference: $(READY)  ## write again what of docs/ is made from the code
	@$(BIN)/python docs/write_reference.py

check-ui: $(MODULES)  ## formatter, linter, type checker and unit tests of the page
	@cd ui && npm run --silent check

check: $(READY)  ## formatter, linter, type checker
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy orchestrator tasks

format: $(READY)  ## let the formatter and the linter mend what they can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

$(READY): pyproject.toml constraints.txt
	@echo "making the environment (once; later starts are immediate)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[demo,dev]"
	@touch $@

clean:
	rm -rf $(VENV) .servers .pytest_cache .mypy_cache .ruff_cache site
