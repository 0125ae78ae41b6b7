PYTHON ?= python3
BIN := .venv/bin
LOCK := requirements/dev.txt
CLIENTS := requirements/clients.txt
STAMP := .venv/.installed

.PHONY: setup clients llm sync-client demo check test bench peers lock

setup: $(STAMP) ## make .venv from the pinned lock

$(STAMP): $(LOCK) pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --requirement $(LOCK)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $(STAMP)

clients: .clients/.installed ## make .clients, where other projects' clients are run by tests

.clients/.installed: $(STAMP) $(CLIENTS) requirements/clients-openai-1.txt requirements/clients-llama-index.txt
	rm -rf .clients
	$(BIN)/uv venv --quiet --python $(BIN)/python .clients
	$(BIN)/uv pip install --quiet --python .clients/bin/python --require-hashes --requirement $(CLIENTS)
	$(BIN)/uv pip install --quiet --python .clients/bin/python --require-hashes --no-deps --target .clients/openai-1 --requirement requirements/clients-openai-1.txt
	$(BIN)/uv pip install --quiet --python .clients/bin/python --require-hashes --no-deps --target .clients/llama-index --requirement requirements/clients-llama-index.txt
	touch .clients/.installed

check: setup ## format, lint, types, import contracts, unit and contract tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto --durations=10 tests/unit tests/contract tests/architecture

test: setup clients ## everything that needs no special hardware
	$(BIN)/pytest -n auto --durations=10 -m "not gpu" tests/unit tests/contract tests/architecture
	$(BIN)/pytest -n 2 --dist loadfile --durations=25 -m "not gpu" tests/integration tests/e2e

llm: .llm/.installed ## make .llm, where language models run (7 GB)

.llm/.installed: $(STAMP) requirements/llm.txt
	rm -rf .llm
	$(BIN)/uv venv --quiet --python $(BIN)/python .llm
	$(BIN)/uv pip install --quiet --compile-bytecode --python .llm/bin/python --require-hashes --no-deps --requirement requirements/llm.txt
	.llm/bin/python -c "import ray.serve.llm" >/dev/null # fails where a part is missing
	touch .llm/.installed

sync-client: setup ## write the client that blocks from the one that awaits
	$(BIN)/python -m tools.make_sync_client

demo: setup ## build the sample as a Ray job and ask it
	$(BIN)/python examples/demo.py

bench: setup ## the benchmarks on the judged corpora in CORPORA
	@test -n "$(CORPORA)" || { echo "say where the corpora are: make bench CORPORA=folder"; exit 2; }
	$(BIN)/python -m benchmarks.retrieval $(CORPORA)/tatqa --queries queries_company --qrels all
	$(BIN)/python -m benchmarks.retrieval $(CORPORA)/finqa_page --queries queries --qrels all
	$(BIN)/python -m benchmarks.retrieval $(CORPORA)/finqa_page --queries queries_ticker --qrels all
	$(BIN)/python -m benchmarks.retrieval $(CORPORA)/obliqa --queries queries --qrels dev
	$(BIN)/python -m benchmarks.known_items $(CORPORA)/tatqa --queries queries_company --qrels all
	$(BIN)/python -m benchmarks.known_items $(CORPORA)/finqa_page --queries queries --qrels all
	$(BIN)/python -m benchmarks.shown $(CORPORA)/tatqa --queries queries_company --qrels all
	$(BIN)/python -m benchmarks.late_interaction $(CORPORA)/tatqa --queries queries_company --qrels all
	$(BIN)/python -m benchmarks.late_interaction $(CORPORA)/finqa_page --queries queries queries_ticker --qrels all
	$(BIN)/python -m benchmarks.late_interaction $(CORPORA)/obliqa --queries queries --qrels dev
	$(BIN)/python -m benchmarks.embedding $(CORPORA)/tatqa
	$(BIN)/python -m benchmarks.determinism $(CORPORA)/tatqa --limit 300
	$(BIN)/python -m benchmarks.shard_blocks $(CORPORA)/tatqa
	$(BIN)/python -m benchmarks.memory $(CORPORA)/tatqa
	$(BIN)/python -m benchmarks.asof $(CORPORA)/reuters21578 --n 300 --seed 1 --model hashing
	$(BIN)/python -m benchmarks.asof_recall $(CORPORA)/reuters21578
	$(BIN)/python -m benchmarks.batch_search $(CORPORA)/reuters21578 --pairs 20000
	$(BIN)/python -m benchmarks.differential --n 100000 --seed 1
	$(BIN)/python -m benchmarks.http_fuzz --n 20000 --seed 1
	$(BIN)/python -m benchmarks.http_leaks --n 100000 --seed 1
	$(BIN)/python -m benchmarks.publishing $(CORPORA)/tatqa --publishes 30 --limit 400
	$(BIN)/python -m benchmarks.soak $(CORPORA)/tatqa --minutes 10
	$(BIN)/python -m benchmarks.serving $(CORPORA)/tatqa
	$(BIN)/python -m benchmarks.plan_costs
	$(BIN)/python -m benchmarks.growth
	$(BIN)/python -m benchmarks.segment_threads
	$(BIN)/python -m benchmarks.build --vectors 1000000 --lists 1024
	$(BIN)/python -m benchmarks.lexical --passages 1000000
	$(BIN)/python -m benchmarks.peers --vectors 100000

peers: setup ## install what benchmarks compare with beside the pinned environment
	$(BIN)/uv pip install --quiet --python $(BIN)/python --override $(LOCK) --requirement requirements/peers.txt
	$(BIN)/python -c "import shutil, site; shutil.rmtree(site.getsitepackages()[0] + '/tests', ignore_errors=True)"  # autofaiss's own, in the way of ours
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python .peers/infinity
	$(BIN)/uv pip install --quiet --python .peers/infinity/bin/python --requirement requirements/infinity.txt

lock: setup ## pin what pyproject.toml asks for, without addresses
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra serve --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-annotate --no-header --output-file $(LOCK)
	$(BIN)/uv pip compile requirements/clients.in --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-annotate --no-header --output-file $(CLIENTS)
	$(BIN)/uv pip compile requirements/llm.in --override requirements/llm-overrides.txt --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-annotate --no-header --output-file requirements/llm.txt
