# One name a chore; `make help` lists them. Everything sets itself up.
VENV ?= .venv
PY = $(VENV)/bin/python
PREFIX ?= /usr
DESTDIR ?=
PYTEST = $(PY) -m pytest

.PHONY: help prepare demo demo-stop lab lab-stop check check-fast soak lint bench doc install uninstall clean

help:
	@echo "make demo        a virtual cluster of 3 nodes: boot, migrate, fail over a real guest"
	@echo "make demo-stop   stop that cluster and remove it"
	@echo "make check       lint and all tests that this machine can run (make check-fast: 2 minutes)"
	@echo "make lab         as root: virtual machines as nodes, for LVM, DRBD, rbd; make lab-stop"
	@echo "make soak        200 rounds of killed daemons under load (ROUNDS=n SEED=n)"
	@echo "make lint        ruff, mypy, import-linter"
	@echo "make bench       the performance budget, measured; writes build/bench.json"
	@echo "make doc         the documentation as HTML and man pages in build/doc"
	@echo "make install     as root, on a real host (DESTDIR, PREFIX); make uninstall"

prepare:
	@tools/prepare $(VENV) dev

demo: prepare
	@$(PY) -m ganeti.tools.demo run

demo-stop: prepare
	@$(PY) -m ganeti.tools.demo stop

lab: prepare
	@$(PY) -m test.lab.vm up

lab-stop:
	@$(PY) -m test.lab.vm down

lint: prepare
	$(VENV)/bin/ruff check ganeti test
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

check-fast: prepare
	$(PYTEST) -q -n 2 test/unit test/golden

check: lint
	$(PYTEST) -q -n 2 test/unit test/golden
	$(PYTEST) -q test --ignore=test/unit --ignore=test/golden

soak: prepare
	$(PY) -m test.vcluster.soak $(or $(ROUNDS),200) $(SEED)

bench: prepare
	$(PY) -m test.bench.run

doc: prepare
	$(PY) doc/generate.py build/doc/source
	$(PY) -m sphinx -q -W -b html build/doc/source build/doc/html
	$(PY) -m sphinx -q -W -b man build/doc/source build/doc/man

install:
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' tools/install install

uninstall:
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' tools/install uninstall

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
