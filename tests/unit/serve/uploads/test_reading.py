from __future__ import annotations

import json

from eagleray.digests import digest_bytes
from serve.uploads.reading import MAX_DOCUMENTS, Owner, Refusal, read_documents
from serve.uploads.records import FileRecord

OWNER = Owner(group="eagleray:subject:ann", zone="emea")


def read(name, data):
    file = FileRecord(
        file_id="file-1",
        created=1,
        filename=name,
        purpose="assistants",
        n_bytes=len(data),
        sha256=digest_bytes(data),
    )
    return read_documents(data, file, source="vector_stores/vs_1/file-1/7", owner=OWNER, now=7)


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


def test_html_and_text_are_read_and_what_cannot_be_is_refused_by_its_kind():
    (page,) = read("a.html", b"<title>Gilts</title><p>Paid in June.")
    assert (page.title, page.text.strip()) == ("Gilts", "Paid in June.")
    assert read("a.docx", b"PK").code == "unsupported_file"
    assert read("a.txt", b" ").code == "invalid_file"
    assert read("a.txt", b"\xff").code == "invalid_file"
    many = b'{"_id": "1", "text": "x"}\n' * (MAX_DOCUMENTS + 1)
    assert isinstance(read("a.jsonl", many), Refusal)
