# Aliases of the commands in README.md and CONTRIBUTING.md, nothing more.
.PHONY: run install test lab lint site

install:
	pip install -e ".[lab,test]"

run:
	gencourse run

test:
	pytest

lab:
	jupyter lab notebooks

lint:
	ruff check && ruff format --check && lint-imports && pyright

site:
	python docs/build.py
