"""An import before it runs: what is read, and whether its vectors are the model's."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import pyarrow as pa

from eagleray.contracts.documents import DeadLetter
from eagleray.contracts.exchange import ImportRequest
from eagleray.contracts.manifests import CollectionSpec, EmbedderIdentity
from eagleray.contracts.ports import Embedder, FloatMatrix, FloatVector
from eagleray.contracts.sources import RawRecord
from eagleray.documents.mapping import load_mapping
from eagleray.documents.parsing.tables import TableReader
from eagleray.embedders import open_embedder
from eagleray.errors import InputError, SourceError
from eagleray.setting_groups.engine import EmbedderSettings, S3Settings
from eagleray.setting_groups.parsing import ParsingSettings
from indexes.exchange.import_source import describe_import
from indexes.exchange.imported_rows import ROWS_MAPPING, Decoder
from indexes.segments.segment_files import list_texts
from ray_jobs.sources.files.listing import SourceFile, check_folder, list_all_files, name_files, open_files
from ray_jobs.sources.parsers import open_parsers
from ray_jobs.sources.vectors.source import VectorFiles, VectorSource, VectorSourceFactory

_T = TypeVar("_T")
_SAMPLE_SPLITS: Final = 4
_LOOKED_AT: Final = 1_024
"""Rows of a split that are looked at, at most."""

SAMPLE_ROWS: Final = 32
"""Rows that are looked at."""

LEAST_COSINE: Final = 0.99
"""What a row's vector must reach to its text's own: lower-precision backends reach .999."""

IMPORTED: Final = "imported"
"""Backend of vectors that somebody else computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedImport:
    """Files that were looked at.

    Attributes:
        factory: opens them as a source.
        decoder: makes chunk rows of their rows.
        schema: of the rows without vectors.
        identity: what the vectors are recorded as.
        n_compared: rows whose texts were embedded again.
    """

    factory: VectorSourceFactory
    decoder: Decoder
    schema: pa.Schema
    mapping_digest: str
    identity: EmbedderIdentity
    n_compared: int


def open_import(
    request: ImportRequest,
    spec: CollectionSpec,
    *,
    s3: S3Settings,
    parsing: ParsingSettings,
    embedder: EmbedderSettings,
) -> OpenedImport:
    """Look at the files of an import, and at the vectors of some rows.

    Args:
        request: of the import.
        spec: of the collection that takes the rows.
        s3: how an `s3://` source is reached.
        parsing: limits of the processes that read the files.
        embedder: of the model that the vectors are said to be of.

    Raises:
        InputError: the files or the mapping cannot be used, no row looked at is good, or the vectors are
            not the model's.
    """
    found = _find_files(request, s3)
    store = open_files(found.uri, s3=s3)
    sizes = {file.path: file.size_bytes for file in found.files}
    tables = TableReader(open_parsers(parsing))
    files = describe_import(store, sizes, vectors=request.vectors, tables=tables)
    if files.dim not in (None, spec.embedder.dim):
        detail = f"its vectors have {files.dim} numbers, those of {spec.embedder.name} {spec.embedder.dim}"
        raise SourceError(source=request.source, detail=f"{detail}; name their model with --model")
    decoder = _make_decoder(request, spec, files.schema)
    described = VectorFiles(
        listed=tuple(sorted(found.files, key=lambda file: file.path)),
        files=files,
        dim=spec.embedder.dim,
        is_normalised=request.is_normalised,
        decisions={"vectors": request.vectors, "is_normalised": request.is_normalised},
    )
    factory = VectorSourceFactory(uri=found.uri, name=request.source_name or found.name, described=described)
    n_compared = 0
    if not request.is_trusted:
        source = VectorSource(store, described, name=factory.name, tables=tables)
        n_compared = _compare(source, decoder, open_embedder(embedder))
    return OpenedImport(
        factory=factory,
        decoder=decoder,
        schema=files.schema,
        mapping_digest=(decoder.mapping or ROWS_MAPPING).digest,
        identity=describe_imported(spec, is_normalised=request.is_normalised, n_compared=n_compared),
        n_compared=n_compared,
    )


def _make_decoder(request: ImportRequest, spec: CollectionSpec, schema: pa.Schema) -> Decoder:
    mapping = load_mapping(Path(request.mapping)) if request.mapping else None
    if mapping is not None and mapping.sidecar:
        raise InputError(
            detail=f"{request.mapping}: a sidecar names files; map the columns of the rows instead"
        )
    return Decoder(
        mapping=mapping,
        chunker_digest=spec.chunker_digest,
        has_versions=mapping is None and "version" in schema.names,
    )


def describe_imported(spec: CollectionSpec, *, is_normalised: bool, n_compared: int) -> EmbedderIdentity:
    """Return what imported vectors are recorded as: the model's, computed by nobody knows what."""
    return EmbedderIdentity(
        **asdict(spec.embedder),
        backend=IMPORTED,
        instruction_set="unknown",
        settings={"is_normalised": is_normalised, "rows_compared": n_compared},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Files of an import, below a URI, and what rows are filed under."""

    uri: str
    name: str
    files: tuple[SourceFile, ...]


def _find_files(request: ImportRequest, s3: S3Settings) -> _Found:
    path = Path(request.source).expanduser()
    is_file = "://" not in request.source and path.is_file()
    if not is_file and path.suffix != ".lance":
        uri = check_folder(request.source)
        files = list_all_files(open_files(uri, s3=s3))
        return _Found(uri=uri, name=name_files(request.source), files=files)
    uri = check_folder(str(path.parent))
    if not is_file:
        files = list_all_files(open_files(uri, s3=s3), below=path.name)
        return _Found(uri=uri, name=path.stem, files=files)
    beside = path.parent / request.vectors
    found = [path, *([beside] if request.vectors and beside.is_file() else [])]
    files = tuple(_describe_file(item, path.parent) for item in found)
    return _Found(uri=uri, name=path.stem, files=files)


def _describe_file(path: Path, folder: Path) -> SourceFile:
    known = path.stat()
    return SourceFile(
        path=path.relative_to(folder).as_posix(),
        size_bytes=known.st_size,
        modified=known.st_mtime_ns // 1000,
        tag=f"{known.st_size}-{known.st_mtime_ns}",
    )


def _compare(source: VectorSource, decoder: Decoder, embedder: Embedder) -> int:
    """Compare the vectors of some rows with those the model gives their texts; return how many rows."""
    rows: list[pa.Table] = []
    vectors: list[FloatVector] = []
    fault = ""
    splits = _spread(source.plan({}).splits, _SAMPLE_SPLITS)
    for split in splits:
        good = []
        with closing(source.read(split)) as items:
            for item in islice(items, _LOOKED_AT):
                made = decoder.decode(item) if isinstance(item, RawRecord) else item
                if isinstance(made, DeadLetter):
                    fault = fault or f"{made.source}, {made.position}: {made.detail}"
                elif isinstance(item, RawRecord) and item.vector is not None:
                    good.append((made, item.vector))
        for row, vector in _spread(good, SAMPLE_ROWS // len(splits)):
            rows.append(row)
            vectors.append(vector)
    if not rows:
        raise SourceError(source=source.uri, detail=f"no row that was looked at can be used; {fault}")
    sample = pa.concat_tables(rows)
    columns = (sample["source"].to_pylist(), sample["position"].to_pylist())
    places = [f"{name}, {position}" for name, position in zip(*columns, strict=True)]
    check_model(list_texts(sample), np.stack(vectors), embedder, places=places)
    return len(rows)


def check_model(
    texts: Sequence[str], vectors: FloatMatrix, embedder: Embedder, *, places: Sequence[str]
) -> None:
    """Check that every vector is the one the embedder gives its text.

    Args:
        texts: what is embedded: heading, newline, text.
        vectors: float32 [len(texts), dim], unit L2 norm.
        embedder: of the model the vectors are said to be of.
        places: where each row stands, for the error.

    Raises:
        InputError: one of them is not; names the row that is farthest off.
    """
    own = embedder.embed_passages(texts)
    cosines = np.einsum("ij,ij->i", own, vectors, dtype=np.float64)
    n_off, worst = int((cosines < LEAST_COSINE).sum()), int(np.argmin(cosines))
    if n_off:
        detail = (
            f"{n_off} of {len(texts)} rows looked at have other vectors than {embedder.identity.name} gives "
            f"their text: {places[worst]} has a cosine of {cosines[worst]:.3f}, expected {LEAST_COSINE} or "
            "more; name the model they are of with --model, or take them as they are with --trust-vectors"
        )
        raise InputError(detail=detail)


def _spread(items: Sequence[_T], n: int) -> list[_T]:
    """Return at most `n` items, evenly spread."""
    return [items[place] for place in sorted({len(items) * i // n for i in range(n)})] if items else []
