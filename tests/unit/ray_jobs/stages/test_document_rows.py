from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.documents import Document, Element, ElementKind
from indexes.storage.local import LocalStore
from ray_jobs.stages.document_rows import DOCUMENT_SCHEMA, make_document_row, read_documents
from ray_jobs.stages.shard_files import ShardWriter

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
WHOLE = st.integers(min_value=-(2**63), max_value=2**63 - 1)
VALUES = (
    TEXT | WHOLE | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.tuples(TEXT, TEXT)
)
DOCUMENTS = st.builds(
    Document,
    doc_id=TEXT.filter(bool),
    title=TEXT,
    text=TEXT,
    known_from=WHOLE,
    elements=st.tuples(
        st.builds(
            Element,
            kind=st.sampled_from(ElementKind),
            start=st.integers(0, 9),
            end=st.integers(0, 9),
            level=st.integers(0, 6),
            page=st.none() | st.integers(1, 9),
        )
    ),
    attributes=st.dictionaries(TEXT, VALUES, max_size=4),
    groups=st.tuples(TEXT),
    zone=TEXT,
    event_time=st.none() | WHOLE,
    known_to=WHOLE,
    source=TEXT,
    position=TEXT,
)


@given(documents=st.lists(DOCUMENTS, max_size=5), max_bytes=st.sampled_from([1, 1 << 20]))
def test_documents_come_back_as_they_were_and_in_their_order(tmp_path_factory, documents, max_bytes):
    store = LocalStore(tmp_path_factory.mktemp("run"))
    writer = ShardWriter(
        store, lambda n: f"{n}.shards", n_shards=1, schema=DOCUMENT_SCHEMA, max_bytes=max_bytes
    )
    for document in documents:
        row = make_document_row(document)
        assert (row.schema, row.num_rows) == (DOCUMENT_SCHEMA, 1)
        writer.add(row)
    found = list(read_documents(store, writer.close()))
    assert found == documents
    assert [document.version for document in found] == [document.version for document in documents]
    assert [kinds(document) for document in found] == [kinds(document) for document in documents]


def kinds(document):
    return {name: type(value) for name, value in document.attributes.items()}


def test_no_file_is_no_document(tmp_path):
    assert list(read_documents(LocalStore(tmp_path), [])) == []
    assert pa.types.is_large_binary(DOCUMENT_SCHEMA.field("document").type)
