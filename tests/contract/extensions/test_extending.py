"""The page for authors of other packages: what it shows is written to a folder of its own, run and tested."""

from __future__ import annotations

import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "extending.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(python|bash)\n(.*?)^```$", PAGE, re.S | re.M)
FILES = {re.match(r"# (\S+)\n", code)[1]: code for language, code in BLOCKS if language == "python"}
EXPORTS, COMMANDS = (code.splitlines() for language, code in BLOCKS if language == "bash")
QUOTES = {"bund": "The Bund trades at par.", "gilt": "The gilt trades below par.", "oil": "Oil rose."}


class Package:
    """The page's package in a folder, which is its only place, and the variables that the page sets."""

    def __init__(self, folder):
        self.folder = folder
        for name, code in FILES.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(code)
        named = dict(line.removeprefix("export ").split("=", 1) for line in EXPORTS)
        self.environment = os.environ | {
            **named,
            "QUOTES_DATABASE": str(folder / named["QUOTES_DATABASE"]),
            "PYTHONPATH": str(folder),
            "EAGLERAY_STORE": str(folder / "store"),
            "EAGLERAY_CACHE": str(folder / "cache"),
            "EAGLERAY_EMBEDDER__MODEL": "hashing",
            "EAGLERAY_JOBS__WORKERS": "1",
        }

    def run(self, *words):
        """Run Python, and return what it printed."""
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run_command(self, line):
        """Run a command of the page, and return what it reports."""
        return json.loads(self.run("-m", *shlex.split(line), "--json"))

    def ask_served(self, serve, curl):
        """Run the page's server on a free port, and return the answer to its question."""
        words = [sys.executable, "-m", *shlex.split(serve), "--port", "0", "--json"]
        process = subprocess.Popen(
            words, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, text=True
        )
        try:
            url = json.loads(process.stdout.readline())["url"]
            path = shlex.split(curl)[-1].removeprefix("http://127.0.0.1:8000")
            missing = httpx.get(f"{url}/collections/other/quotes/bund", timeout=60, trust_env=False)
            return httpx.get(url + path, timeout=60, trust_env=False), missing
        finally:
            process.terminate()
            process.wait(timeout=60)
            process.stdout.close()


@pytest.fixture
def package(tmp_path):
    return Package(tmp_path)


def test_each_part_of_the_package_is_short():
    assert {name: len(code.splitlines()) for name, code in FILES.items() if len(code.splitlines()) > 61} == {}


def test_the_package_passes_the_contract_suites(package):
    told = package.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_acme.py").splitlines()[-1]
    assert re.match(r"12 passed, 2 skipped", told), told


def test_what_settings_name_is_ingested_enriched_served_recorded_and_asked_again(package):
    with sqlite3.connect(package.folder / "quotes.db") as database:
        database.execute("CREATE TABLE desk (modified INTEGER, quote TEXT)")
        rows = [(1_000_000, json.dumps({"_id": name, "text": text})) for name, text in QUOTES.items()]
        database.executemany("INSERT INTO desk VALUES (?, ?)", rows)
    database.close()
    ingest, search, serve, curl, show, replay = COMMANDS
    report = package.run_command(ingest)
    assert (report["documents_new"], report["dead_letters"]) == (3, 0)
    hits = package.run_command(search)["hits"]
    assert [(hit["doc_id"], hit["attributes"]["sector"]) for hit in hits] == [
        ("bund", "rates"),
        ("gilt", "rates"),
    ]
    answer, missing = package.ask_served(serve, curl)
    assert (answer.status_code, answer.json()["text"], missing.status_code) == (200, QUOTES["bund"], 404)
    (record,) = package.run_command(show)
    assert (record["action"], record["status"], record["snapshot"]) == (
        "last_quote",
        "ok",
        answer.json()["snapshot"],
    )
    replayed = package.run_command(replay)
    assert (replayed["same"], replayed["different"]) == (1, [])
