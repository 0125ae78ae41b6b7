"""The event loop is never held for long, whatever a request holds: in processor time of each step."""

from __future__ import annotations

import json

import pytest

from serve.uploads.keeping import OwnRecords
from serve.uploads.records import FileRecord
from tests.small_collections import SPEC

PROSE = "The issuer deferred the coupon of its 2029 notes, and the curve flattened. "
PARTS = {"doc_id": "a", "elements": [{"text": PROSE}] * 9_000}
MOST_S = 0.08
"""Processor seconds of one step of the loop. The longest reads 9,000 objects of one body, in about 0.027."""


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"/collections/{SPEC.name}/documents", {"documents": [{"doc_id": "a", "text": PROSE * 13_000}]}),
        (
            f"/collections/{SPEC.name}/documents",
            {"documents": [PARTS]},
        ),
        ("/v1/embeddings", {"model": "hashing", "input": [PROSE * 3] * 2_000}),
        ("/v1/embeddings", {"model": "hashing", "input": [[1] * 8_000] * 49}),
        (f"/collections/{SPEC.name}/search", {"query": "swap", "k": 1_000, "mode": "lexical"}),
    ],
)
def test_no_step_of_the_loop_takes_long(serve_with, steps, path, body):
    async def ask(served):
        headers = {"authorization": "Bearer ann", "content-type": "application/json"}
        content = json.dumps(body).encode()
        await served.client.post(path, content=content, headers=headers)  # what is imported and compiled once
        steps.clear()
        answer = await served.client.post(path, content=content, headers=headers)
        assert answer.status_code == 200, answer.text

    serve_with(ask, takes_files=True, groups=("rates", "credit"))
    assert steps.longest_s < MOST_S, steps.longest


def test_a_form_of_many_headers_is_refused_before_they_are_read(serve_with, steps):
    async def ask(served):
        head = {"authorization": "Bearer ann", "content-type": "multipart/form-data; boundary=x"}
        part = b'content-disposition: form-data; name="purpose"\r\n\r\nassistants\r\n--x--\r\n'
        for odd in (b"a: b\r\n", b"a" * (1 << 20)):
            content = b"--x\r\n" + odd * ((8 << 20) // len(odd)) + part
            answer = await served.client.post("/v1/files", content=content, headers=head)
            assert answer.status_code == 400, answer.text

    serve_with(ask, takes_files=True)
    assert steps.longest_s < 5 * MOST_S, steps.longest


FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
PURPOSE = b'\r\n--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n--b--\r\n'
MANY = 4 << 20


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (FILE + b"a" * MANY + PURPOSE, 200),
        (FILE + b"\r\n--bx" * (MANY // 6) + PURPOSE, 200),
        (FILE + b"\r\n--b-" * (MANY // 6) + PURPOSE, 200),
        (FILE + b"a\r\n--b" + b" " * MANY + PURPOSE, 400),
    ],
    ids=["plain", "almost ends", "almost the end", "padded"],
)
def test_a_form_is_read_in_short_steps_whatever_it_holds(serve_with, steps, form, status):
    async def ask(served):
        headers = {
            "authorization": "Bearer ann",
            "content-type": "multipart/form-data; boundary=b",
        }
        await served.client.post("/v1/files", content=FILE + b"a" + PURPOSE, headers=headers)
        steps.clear()
        answer = await served.client.post("/v1/files", content=form, headers=headers)
        assert answer.status_code == status, answer.text
        if status == 200:
            assert answer.json()["bytes"] == len(form) - len(FILE) - len(PURPOSE)

    serve_with(ask, takes_files=True)
    assert steps.longest_s < MOST_S, steps.longest


def test_a_list_of_many_files_is_written_beside_the_loop(serve_with, steps, monkeypatch):
    many = [make_file(number) for number in range(10_000)]
    monkeypatch.setattr(OwnRecords, "list_files", lambda _: many)
    answers = []

    async def ask(served):
        headers = {"authorization": "Bearer ann"}
        for _ in range(2):
            steps.clear()
            answers.append(await served.client.get("/v1/files", headers=headers))

    serve_with(ask, takes_files=True)
    assert len(answers[-1].json()["data"]) == len(many)
    assert steps.longest_s < MOST_S, steps.longest


def make_file(number):
    return FileRecord(
        file_id=f"file-{number:032x}",
        created=number,
        filename="notes.md",
        purpose="assistants",
        n_bytes=1,
        sha256="0" * 64,
    )
