from __future__ import annotations

import asyncio
import json
import threading
import time
from functools import partial

import pytest

from benchmarks.hostile_files import make_pages
from eagleray.digests import digest_bytes
from eagleray.errors import OverloadedError
from eagleray.setting_groups.parsing import ParsingSettings
from serve.uploads.reading import MAX_DOCUMENTS, Owner, Refusal, UploadReader, read_documents
from serve.uploads.records import FileRecord
from tests.waiting import wait_until

OWNER = Owner(group="eagleray:subject:ann", zone="emea")
READER = UploadReader(ParsingSettings(upload_timeout_s=1.0, upload_max_waiting=1))


def read(name, data):
    file = FileRecord(
        file_id="file-1",
        created=1,
        filename=name,
        purpose="assistants",
        n_bytes=len(data),
        sha256=digest_bytes(data),
    )
    return read_documents(
        READER.parsers, data, file=file, source="vector_stores/vs_1/file-1/7", owner=OWNER, now=7
    )


def test_what_a_file_says_of_readers_zones_times_and_attributes_is_passed_over():
    lines = [
        {
            "_id": str(number),
            "title": "t",
            "text": f"text {number}",
            "groups": ["rates"],
            "zone": "apac",
            "known_from": "2001-01-01T00:00:00Z",
            "metadata": {"year": 1},
        }
        for number in range(3)
    ]
    found = read("a.JSONL", "\n".join(map(json.dumps, lines)).encode())
    assert [document.doc_id for document in found] == [f"vector_stores/vs_1/file-1/7/{n}" for n in range(3)]
    for number, document in enumerate(found):
        assert (document.title, document.text) == ("t", f"text {number}")
        assert (document.groups, document.zone, document.known_from) == ((OWNER.group,), "emea", 7)
        assert (document.attributes, document.source) == ({}, "vector_stores/vs_1/file-1/7")


def test_a_record_needs_a_text_and_nothing_else():
    fields = [
        {"text": "no name"},
        {"text": "odd", "_id": 7, "groups": {"a": 1}, "zone": [], "known_to": "never", "metadata": 5},
        {"text": "dated", "title": None, "event_time": "2024-02-01"},
    ]
    found = read("a.jsonl", "\n".join(map(json.dumps, fields)).encode())
    assert [document.text for document in found] == ["no name", "odd", "dated"]
    assert [document.event_time is None for document in found] == [True, True, False]
    assert read("a.jsonl", b'{"title": "no text"}\n').code == "invalid_file"


def test_html_and_text_are_read_and_what_cannot_be_is_refused_by_its_kind():
    (page,) = read("a.html", b"<title>Gilts</title><p>Paid in June.")
    assert (page.title, page.text.strip()) == ("Gilts", "Paid in June.")
    assert read("a.docx", b"PK").code == "unsupported_file"
    assert read("a.txt", b" ").code == "invalid_file"
    assert read("a.txt", b"\xff").code == "invalid_file"
    many = b'{"_id": "1", "text": "x"}\n' * (MAX_DOCUMENTS + 1)
    assert isinstance(read("a.jsonl", many), Refusal)


def test_a_small_pdf_of_large_pages_is_refused_in_the_time_a_file_may_take():
    begun = time.monotonic()
    refusal = read("slow.pdf", make_pages(200, 1 << 20))
    assert refusal.code == "invalid_file"
    assert "1 s of a processor" in refusal.detail
    assert time.monotonic() - begun < 30
    assert len(read("a.txt", b"The next file is read.")) == 1


def test_another_owner_s_file_comes_between_two_of_many_files():
    reader, order, go_on = UploadReader(ParsingSettings(upload_processes=1)), [], threading.Event()

    def read(name):
        go_on.wait(10)
        order.append(name)
        return name

    async def run():
        many = asyncio.create_task(reader.run_each("ann", [partial(read, f"ann {n}") for n in range(3)]))
        await asyncio.sleep(0)  # the first of them is begun
        other = asyncio.create_task(reader.run("bob", partial(read, "bob")))
        await asyncio.sleep(0)
        go_on.set()
        assert await many == ["ann 0", "ann 1", "ann 2"]
        await other

    asyncio.run(run())
    assert order == ["ann 0", "bob", "ann 1", "ann 2"]


def test_each_owner_reads_in_one_thread_at_a_time_and_who_is_one_too_many_is_told():
    at_work, most = [], []
    go_on = threading.Event()

    def wait():
        at_work.append(1)
        most.append(len(at_work))
        go_on.wait(10)
        at_work.pop()
        return "read"

    async def run():
        same = [asyncio.create_task(READER.run("ann", wait)) for _ in range(2)]
        await wait_until(lambda: len(at_work) == 1)
        assert await READER.run("bob", lambda: "other") == "other"
        third = asyncio.create_task(READER.run("bob", wait))
        await wait_until(lambda: len(at_work) == 2)
        with pytest.raises(OverloadedError):
            await READER.run("ann", wait)
        go_on.set()
        return await asyncio.gather(*same, third)

    assert asyncio.run(run()) == ["read"] * 3
    assert max(most) == 2  # one of each owner


def test_many_requests_of_one_owner_leave_room_for_others():
    reader = UploadReader(ParsingSettings(upload_processes=1, upload_max_waiting=7))
    go_on = threading.Event()

    async def count(owner):
        """Begin to read for an owner until that is refused, and return how often it was begun."""
        for n in range(100):
            task = asyncio.create_task(reader.run(owner, lambda: go_on.wait(10)))
            await asyncio.sleep(0)
            if task.done():
                assert isinstance(task.exception(), OverloadedError)
                return n
            begun.append(task)
        return 100

    async def run():
        taken = [await count("ann"), await count("bob"), await count("cleo"), await count("ann")]
        go_on.set()
        await asyncio.gather(*begun)
        return taken

    begun = []
    assert asyncio.run(run()) == [4, 2, 1, 0]
    begun.clear()
    go_on.clear()
    assert asyncio.run(run()) == [4, 2, 1, 0]  # all that was taken was given back
