from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.hostile_files import make_parquet
from eagleray.documents.parsing.limits import ParseLimits
from eagleray.documents.parsing.pool import ParserPool
from eagleray.documents.parsing.tables import TableReader
from eagleray.errors import SourceError
from indexes.exchange.import_source import describe_import, iterate_rows
from indexes.storage.local import LocalStore

TABLES = TableReader(ParserPool(ParseLimits(memory_bytes=64 << 20)))


def open_folder(folder, *, vectors=""):
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    return describe_import(LocalStore(folder), sizes, vectors=vectors, tables=TABLES)


def read(folder, files):
    how = {"tables": TABLES, "dim": 4, "is_normalised": True}
    return [
        item for piece in files.pieces for item in iterate_rows(LocalStore(folder), files, piece=piece, **how)
    ]


def test_rows_and_vectors_come_piece_by_piece(tmp_path):
    vectors = np.eye(4, dtype=np.float32)[np.arange(2_500) % 4]
    table = pa.table({"doc_id": [f"d{n}" for n in range(2_500)], "vector": list(vectors)})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2_000)
    source = open_folder(tmp_path)
    assert (source.n_rows, source.schema.names) == (2_500, ["doc_id"])
    found = read(tmp_path, source)
    assert [first for first, _, _ in found] == [0, 1_024, 2_000]
    assert pa.concat_tables([rows for _, rows, _ in found])["doc_id"] == table["doc_id"]
    assert np.array_equal(np.concatenate([checked.vectors for _, _, checked in found]), vectors)


def test_a_file_that_is_no_parquet_is_refused(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(SourceError, match="it is not a readable Parquet file: its parser failed"):
        open_folder(tmp_path)


def test_rows_that_unpack_to_too_much_end_the_import_and_not_the_process(tmp_path):
    (tmp_path / "a.parquet").write_bytes(make_parquet(900, 1 << 20))
    np.save(tmp_path / "vectors.npy", np.ones((900, 4), dtype=np.float32))
    source = open_folder(tmp_path, vectors="vectors.npy")
    with pytest.raises(SourceError, match="rows from 1 on cannot be read: .*more memory than allowed"):
        read(tmp_path, source)
