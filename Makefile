PYTHON ?= python3
BIN := .venv/bin

.PHONY: train test check docs floors newest results data debian-data clean

train: .venv/installed data
	$(BIN)/python experiments/cnn_plain.py --recipe quick

test: .venv/installed-dev data
	$(BIN)/pytest --numprocesses auto --dist loadscope --no-loadscope-reorder

check: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory docs

docs: .venv/installed-dev
	$(BIN)/python experiments/make_docs.py site

# Every test in an environment of its own: of the lowest versions that pyproject.toml allows, and of the newest.
floors: RESOLUTION := lowest-direct
newest: RESOLUTION := highest
floors newest: .venv/installed-dev data
	$(BIN)/uv venv --quiet --clear --seed --python $(PYTHON) .venv-$@
	$(BIN)/uv pip install --quiet --python .venv-$@ --resolution $(RESOLUTION) -e '.[dev]'
	$(BIN)/uv pip list --python .venv-$@
	.venv-$@/bin/pytest --numprocesses auto --dist loadscope --no-loadscope-reorder

data: .venv/installed
	@$(BIN)/fashionzoo data || $(MAKE) --no-print-directory debian-data

# Where the data's servers cannot be reached but Debian's can: unpack Debian's package of it into the cache folder, which
# needs neither root nor an installation.
debian-data: .venv/installed
	@command -v apt-get >/dev/null || exit 2; \
	echo "trying Debian's package dataset-fashion-mnist"; \
	raw=$$($(BIN)/python -c 'from fashionzoo.data.sources import resolve_data_dir; print(resolve_data_dir())')/FashionMNIST/raw; \
	apt=$$(mktemp -d); trap "rm -rf $$apt" EXIT; mkdir -p $$apt/lists/partial $$apt/archives/partial "$$raw"; \
	options="-qq -o Dir::State::Lists=$$apt/lists -o Dir::Cache=$$apt -o APT::Sandbox::User="; \
	apt-get $$options update && \
	(cd $$apt && apt-get $$options download dataset-fashion-mnist && dpkg-deb -x *.deb .) && \
	cp $$apt/usr/share/datasets/fashion-mnist/*.gz "$$raw" && \
	$(BIN)/fashionzoo data

.venv/installed: pyproject.toml | .venv
	$(BIN)/pip install -e .
	touch $@

.venv/installed-dev: pyproject.toml | .venv
	$(BIN)/pip install -e '.[dev]'
	touch $@ .venv/installed

.venv:
	$(PYTHON) -m venv $@

# What follows from the recipes: runs that are missing, weights, measurements, tables and figures. The notebook comes last,
# as it leaves runs of its own.
results: .venv/installed-dev data
	$(BIN)/python experiments/export_weights.py
	$(BIN)/fashionzoo claims --run
	for name in train_size readings compare_files corruptions pictures unfamiliar quick; do \
		$(BIN)/python experiments/$$name.py || exit; done
	SCREENSHOTS=experiments/figures $(BIN)/pytest tests/demo tests/callbacks
	$(BIN)/python experiments/make_results.py
	$(BIN)/jupyter execute --inplace experiments/tour.ipynb

clean:
	rm -rf .venv .venv-* build dist site
