from __future__ import annotations

from eagleray.chunking.config import RULES, ChunkerConfig, make_chunker_identity
from eagleray.chunking.documents import chunk_document
from eagleray.chunking.table import make_chunk_table
from eagleray.chunking.token_counters import WhitespaceCounter
from eagleray.contracts.chunks import CHUNK_SCHEMA
from eagleray.contracts.documents import Document
from eagleray.contracts.times import OPEN_END
from eagleray.digests import make_chunk_id
from eagleray.errors import InputError

DOCUMENT = Document(
    doc_id="a/b",
    title="Title",
    text="word. " * 500,
    known_from=7,
    attributes={"year": 2019, "desks": ("b", "a"), "ok": True},
    groups=("x", "y"),
    zone="eu",
    source="s/a/b",
)


def test_every_chunk_is_a_row_of_the_schema():
    chunks = chunk_document(DOCUMENT, counter=WhitespaceCounter(), config=ChunkerConfig())
    table = make_chunk_table(DOCUMENT, chunks, chunker_digest="c")
    assert table.schema == CHUNK_SCHEMA
    table.validate(full=True)
    rows = table.to_pylist()
    assert len(rows) == len(chunks) > 2
    for row, chunk in zip(rows, chunks, strict=True):
        assert row["chunk_id"] == make_chunk_id("a/b", DOCUMENT.version, "c", chunk.ordinal)
        assert DOCUMENT.text[row["start"] : row["end"]] == row["text"] == chunk.text
        assert (row["heading"], row["title"], row["ordinal"]) == ("Title", "Title", chunk.ordinal)
        assert (row["known_from"], row["known_to"], row["event_time"]) == (7, OPEN_END, None)
        assert (row["groups"], row["zone"], row["source"], row["page"]) == (["x", "y"], "eu", "s/a/b", None)
        assert row["attributes"] == '{"desks":["b","a"],"ok":true,"year":2019}'


def test_no_chunks_are_no_rows():
    assert make_chunk_table(DOCUMENT, [], chunker_digest="c").schema == CHUNK_SCHEMA


def test_lengths_that_contradict_each_other_are_refused():
    import pytest

    for lengths in (
        {"target_tokens": 255},
        {"target_tokens": 15},
        {"overlap_tokens": 116},
        {"overlap_tokens": -1},
    ):
        with pytest.raises(InputError, match="expected"):
            ChunkerConfig(**lengths)


def test_the_identity_names_tokenizer_lengths_and_rules():
    identity = make_chunker_identity(ChunkerConfig(), tokenizer="abc")
    assert (identity.tokenizer, identity.max_tokens, identity.target_tokens) == ("abc", 256, 230)
    assert (identity.overlap_tokens, identity.rules) == (40, RULES)
