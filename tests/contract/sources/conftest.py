"""Every source there is, each with a desk of notes that tests can change behind its back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eagleray.contracts.exchange import ImportRequest
from eagleray.contracts.sources import SourceRequest
from eagleray.documents.mapping import DEFAULT_MAPPING, apply_mapping
from eagleray.settings import Settings
from eagleray.testing.sources import SECRET
from indexes.storage import open_store
from ray_jobs.service import describe_collection, find_source
from ray_jobs.sources.vectors.imports import open_import
from tests.servers import BUCKET, run_s3_server


def make_fields(number, **more):
    return {"_id": f"n{number}", "text": f"Note {number} on bonds.", **more}


@dataclass(kw_only=True)
class FileDesk:
    """Notes as JSON Lines, in a folder or a bucket; three files, one of them cut into many splits."""

    store: object
    uri: str
    settings: Settings
    remembers = True
    names: tuple[str, ...] = ("a.jsonl", "b/c.jsonl", "d.jsonl")
    notes: dict[str, list[dict]] = field(default_factory=dict)

    def write(self, n, **more):
        """Put `n` notes there, in place of those there were."""
        shares = np.array_split(np.arange(n), len(self.names))
        for name, share in zip(self.names, shares, strict=True):
            lines = [json.dumps(make_fields(number, **more)) for number in share.tolist()]
            self.store.write(name, "".join(f"{line}\n" for line in lines).encode())

    def rename_text(self, n):
        """Put notes there whose text is in a field of another name."""
        lines = "".join(f'{{"_id": "n{number}", "body": "Note"}}\n' for number in range(n))
        for name in self.names:
            self.store.write(name, lines.encode())

    def remove_part(self):
        """Remove a file and return its path."""
        self.store.delete(self.names[1])
        return self.names[1]

    def make_factory(self):
        """Return what opens the desk as a source."""
        return find_source(SourceRequest(uri=self.uri, mapping_digest="m" * 64, name="desk"))

    def convert(self, record):
        """Return the document of a record, or its dead letter."""
        return apply_mapping(DEFAULT_MAPPING, record)


@dataclass(kw_only=True)
class VectorDesk:
    """Notes with vectors as Parquet, in many row groups."""

    folder: object
    settings: Settings
    remembers = False

    def write(self, n, **more):
        """Put `n` notes there, in place of those there were."""
        rows = [make_fields(number, **more) for number in range(n)]
        self._write(pa.Table.from_pylist(rows))

    def rename_text(self, n):
        """Put notes there whose text is in a column of another name."""
        self._write(pa.table({"_id": [f"n{number}" for number in range(n)], "body": ["Note"] * n}))

    def _write(self, table):
        vectors = np.zeros((table.num_rows, 384), dtype=np.float32)
        vectors[np.arange(table.num_rows), np.arange(table.num_rows) % 384] = 1.0
        column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), 384)
        pq.write_table(table.append_column("vector", column), self.folder / "a.parquet", row_group_size=50)

    def make_factory(self):
        """Return what opens the desk as a source."""
        return self._open().factory

    def convert(self, record):
        """Return the chunk row of a record, or its dead letter."""
        return self._open().decoder.decode(record)

    def _open(self):
        settings = self.settings
        spec = describe_collection(settings.collection, embedder=settings.embedder, chunker=settings.chunker)
        request = ImportRequest(source=str(self.folder), model="hashing", source_name="desk", is_trusted=True)
        return open_import(
            request, spec, s3=settings.s3, parsing=settings.parsing, embedder=settings.embedder
        )


@pytest.fixture(scope="session")
def s3_settings():
    with run_s3_server() as settings:
        yield settings.model_copy(update={"secret_access_key": type(settings.secret_access_key)(SECRET)})


@pytest.fixture(params=["folder", "bucket", "vectors"])
def desk(request, tmp_path):
    """A desk of each kind, empty."""
    more = {"s3": request.getfixturevalue("s3_settings")} if request.param == "bucket" else {}
    settings = Settings(
        embedder={"model": "hashing"}, jobs={"partition_bytes": 1 << 10}, api_key=SECRET, **more
    )
    folder = tmp_path / "desk"
    folder.mkdir()
    if request.param == "vectors":
        return VectorDesk(folder=folder, settings=settings)
    uri = f"s3://{BUCKET}/{tmp_path.name}" if more else str(folder)
    return FileDesk(store=open_store(uri, s3=settings.s3), uri=uri, settings=settings)
