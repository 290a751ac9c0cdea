# Aliases of the commands in README.md, nothing more.
.PHONY: run install test lab lint

install:
	pip install -e ".[lab,test]"

run:
	gencourse run

test:
	pytest

lab:
	jupyter lab notebooks

lint:
	ruff check && ruff format --check
