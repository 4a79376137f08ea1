# Short names for what is done often. Each target says what it does: make help.

# Four at a time, as tests wait more than they work; a file on one of them: its server starts once. The
# files that take longest come first (tests/conftest.py).
PYTEST_FLAGS ?= -q -n 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup demo hosts test check forge chaos mutants bench screenshots

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with the locked dependencies
	@sh .ci/setup

demo: setup ## the whole system on this machine: no account, no key; Ctrl-C stops it
	@sh .ci/forge || echo 'forge: the pages could not be bundled; the demo has no Forge site' >&2
	@.venv/bin/jira-chatkit demo

hosts: setup ## the same as two web and two worker processes on a PostgreSQL, its own or DATABASE_URL's
	@.venv/bin/python -m tests.support.hosts

test: setup ## every test; with CI=true a skipped one is a failure
	@sh .ci/system
	@sh .ci/forge || echo 'pages: npm could not install axe-core and esbuild; their tests are skipped' >&2
	@.venv/bin/pytest $(PYTEST_FLAGS) $(if $(filter true,$(CI)),--no-skips)

check: setup ## formatter, linter, types, import contract, translations, descriptor, manifest
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	.venv/bin/lint-imports
	@sh .ci/forge
	PATH="$$PATH:$(CURDIR)/.venv/bin" .ci/npm/node_modules/.bin/tsc --project .ci/npm
	.venv/bin/python -m tests.support.translations
	.venv/bin/python -m tests.support.descriptor_check
	.venv/bin/python -m tests.support.manifest_check

forge: setup ## bundle the pages for Forge, for `jira-chatkit forge render`
	@sh .ci/forge

chaos: setup ## storms over both databases: 200 kills and 1,000 cuts on each; prints what it counted
	@sh .ci/system
	@.venv/bin/python -m tests.chaos $(CHAOS_FLAGS)

mutants: setup ## take each guard out of a copy of the code; the test that is named for it turns red
	@sh .ci/system
	@.venv/bin/python -m tests.mutants

bench: setup ## the benchmarks, beside named peers, into bench/RESULTS.md
	@sh .ci/system
	@.venv/bin/python -m bench

screenshots: setup ## every page and state, in both themes, into docs/screenshots
	@.venv/bin/python -m tests.support.screenshots
