"""Other projects' clients, as their users have them, ask one server; so do the commands of its page."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from pathlib import Path

import httpx
import numpy as np
import pytest

from eagleray.embedders.hashing import HashingEmbedder
from eagleray.rerankers import load_reranker
from eagleray.setting_groups.engine import RerankerSettings
from tests.integration.cut_runs import NOTES
from tests.integration.serving_process import run_small_server

ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / ".clients"
PAGE = ROOT / "docs" / "serving.md"
SCRIPTS = sorted(path.stem for path in (ROOT / "tests" / "clients").glob("ask_*.py"))
TIKTOKEN_FILE = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
"""What tiktoken calls its copy of the table of cl100k_base."""

TEXTS = ["coupon of the 2029 notes", "Zürich: SOFR plus 145", "net sales rose 7.4%"]
QUERY = "coupon of the 2029 notes"
QUESTION = "Bond 7 pays a coupon"
"""A note that is there says so."""

DOCUMENTS = ["The board met in May.", "The 2029 notes pay 4.5%.", "SOFR plus 145"]

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices

has_clients = pytest.mark.skipif(
    not (CLIENTS / ".installed").exists(), reason="other projects' clients are not installed: make clients"
)


@pytest.fixture(scope="module")
def served(cluster, tmp_path_factory):
    with run_small_server(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture(scope="module")
def ask(served, tmp_path_factory):
    """Run a client's script against the server, without any other network, and return what it printed."""
    home = tmp_path_factory.mktemp("client")
    table = ROOT / "serve" / "engine" / "cl100k_base.tiktoken.gz"
    (home / TIKTOKEN_FILE).write_bytes(gzip.decompress(table.read_bytes()))
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TIKTOKEN_CACHE_DIR": str(home),
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "HAYSTACK_TELEMETRY_ENABLED": "False",
        "HF_HUB_OFFLINE": "0",
    }
    given = {
        "url": served.url,
        "key": served.key,
        "writer_key": served.writer_key,
        "embedder": served.embedder,
        "collection": "notes",
        "reranker": Path(served.reranker).name,
        "texts": TEXTS,
        "query": QUERY,
        "question": QUESTION,
        "documents": DOCUMENTS,
    }

    def run(script, *, path=""):
        done = subprocess.run(
            [str(CLIENTS / "bin" / "python"), str(ROOT / "tests" / "clients" / f"{script}.py")],
            input=json.dumps(given),
            check=False,
            env=env | ({"PYTHONPATH": path} if path else {}),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def check_vectors(found, texts):
    expected = HashingEmbedder().embed_passages(texts)
    assert np.allclose(np.array(found, dtype=np.float64), expected, atol=1e-6)


def check_ranks(found, served):
    raw = load_reranker(RerankerSettings(model=served.reranker)).score(QUERY, DOCUMENTS).astype(float)
    best = np.argsort(-raw, kind="stable")[:2]
    assert [row for row, _ in found[:2]] == best.tolist()
    assert np.allclose([score for _, score in found[:2]], 1 / (1 + np.exp(-raw[best])), atol=1e-5)


@has_clients
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_client_gets_what_the_models_give(ask, served, script):
    told = ask(script)
    assert told.keys() & {"vectors", "ranks"}
    if "vectors" in told:
        check_vectors(told["vectors"], TEXTS)
    if "question" in told:
        check_vectors([told["question"]], TEXTS[:1])
    for ranks in [*told.get("all_ranks", []), *([told["ranks"]] if "ranks" in told else [])]:
        check_ranks(ranks, served)


@has_clients
def test_an_old_client_of_openai_is_served_as_the_current_one(ask):
    old, new = ask("ask_openai", path=str(CLIENTS / "openai-1")), ask("ask_openai")
    assert old["version"].startswith("1.")
    assert not new["version"].startswith("1.")
    assert {**old, "version": ""} == {**new, "version": ""}
    assert new["counts"] == {"in_progress": 0, "completed": 1, "failed": 1, "cancelled": 0, "total": 2}
    assert new["found"] == [["note.md", {"year": 2024, "is_new": True}, "The zebracoupon is paid in June."]]
    assert new["attached"][0] == "completed"
    assert new["left"] == [True] * 5
    assert new["attached"][1]["static"] == {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 20}
    assert {name: status for name, (status, _) in new["errors"].items()} == {
        "gone": 404,
        "forbidden": 403,
        "unknown": 404,
        "refused": 400,
    }
    assert {tuple(fields) for _, fields in new["errors"].values()} == {("code", "message", "param", "type")}


@pytest.fixture(scope="module")
def expected(served):
    """What the server answers to the question on its own route."""
    asked = {"question": QUESTION}
    headers = {"Authorization": f"Bearer {served.writer_key}"}
    answer = httpx.post(f"{served.url}/collections/notes/ask", json=asked, headers=headers, timeout=60)
    return answer.json()


@has_clients
@pytest.mark.parametrize(
    ("script", "path"),
    [
        ("chat_langchain_openai", ""),
        ("chat_langgraph", ""),
        ("chat_llama_index_openai", "llama-index"),
        ("chat_openai", ""),
        ("chat_openai", "openai-1"),
    ],
)
def test_a_client_gets_the_answer_with_its_citations(ask, expected, script, path):
    told = ask(script, path=str(CLIENTS / path) if path else "")
    assert expected["is_answered"]
    assert (told["text"], told["streamed"]) == (expected["text"], expected["text"])
    if script == "chat_openai":
        assert told["version"].startswith("1.") is (path == "openai-1")
        assert "paid in June" in told["found"]
        assert told["helped"] == [told["found"], told["found"]]
        assert told["numbers"] == list(range(len(told["numbers"])))
        assert (told["kept"], told["followed"]) == (True, told["found"])
        assert told["cited"] == ["file_citation", "note.md", 0, True]
        assert told["missing"] == [": you have nothing of this name here"] * 4
        assert told["citations"] == len(expected["citations"])
        assert told["events"] == told["found"]
    elif "found" in told:
        assert (told["found"], told["events"]) == (expected["text"], expected["text"])
    if "kinds" in told:
        assert told["kinds"] == ["human", "ai"]
    if script == "chat_langchain_openai":
        assert len(told["cited"]) == len(expected["citations"])


def list_commands():
    """Return the page's commands for curl, each whole."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    return [found for block in blocks for found in re.findall(r"^curl (?:.*\\\n)*.*$", block, re.M)]


@pytest.mark.parametrize("command", list_commands(), ids=lambda command: re.search(r":8000(\S+)", command)[1])
def test_a_command_of_the_page_is_answered(served, command):
    known = {
        "http://127.0.0.1:8000": served.url,
        "MODEL": Path(served.reranker).name,
        "notes/2029.md": NOTES[0]["_id"],
        "curl -s ": "curl -sS --fail-with-body --noproxy '*' ",
    }
    for shown, meant in known.items():
        command = command.replace(shown, meant)
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "health" in command or json.loads(done.stdout)


def test_the_page_has_commands_for_search_and_both_models():
    shown = " ".join(list_commands())
    for path in (
        "/search",
        "/batch",
        "/facets",
        "/documents",
        "/v2/rerank",
        "/embed",
        "/tokenize",
        "/info",
        "/health",
    ):
        assert path in shown
