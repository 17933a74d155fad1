PYTHON ?= python3
BIN := .venv/bin

.PHONY: train test check data clean

train: .venv/installed data
	$(BIN)/python experiments/mlp_relu_narrowing.py

test: .venv/installed-dev data
	$(BIN)/pytest

check: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# Where the mirrors of the data cannot be reached, Debian's package of it is unpacked into the cache folder; that needs
# neither root nor an installation.
data: .venv/installed
	@$(BIN)/fashionzoo data || ( command -v apt-get >/dev/null && sh experiments/debian_data.sh "$(BIN)" )

.venv/installed: pyproject.toml | .venv
	$(BIN)/pip install -e .
	touch $@

.venv/installed-dev: pyproject.toml | .venv
	$(BIN)/pip install -e '.[dev]'
	touch $@ .venv/installed

.venv:
	$(PYTHON) -m venv $@

clean:
	rm -rf .venv build dist
