"""An import before it runs: what is read, and whether its vectors are the model's."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import pyarrow as pa

from eagleray.contracts.documents import DeadLetter
from eagleray.contracts.exchange import ImportRequest
from eagleray.contracts.manifests import CollectionSpec, EmbedderIdentity
from eagleray.contracts.ports import Store
from eagleray.documents.mapping import load_mapping
from eagleray.documents.parsing.pool import ParserPool, choose_limits
from eagleray.documents.parsing.tables import TableReader
from eagleray.documents.records import InputFile
from eagleray.embedders import open_embedder
from eagleray.errors import SourceError
from eagleray.setting_groups.engine import S3Settings
from eagleray.settings import Settings
from indexes.exchange.import_source import ImportSource, iterate_rows, open_import_source
from indexes.exchange.imported_rows import ROWS_MAPPING, Decoder
from indexes.exchange.model_check import SAMPLE_ROWS, check_model
from indexes.segments.writing import list_texts
from ray_jobs.deliveries import VectorDelivery
from ray_jobs.plans.partitions import SourceFile
from ray_jobs.plans.runs import RunPlan
from ray_jobs.sources.files import list_all_files, open_source
from ray_jobs.stages.take_in import Intake

_T = TypeVar("_T")
_SAMPLE_PIECES: Final = 4
IMPORTED: Final = "imported"
"""Backend of vectors that somebody else computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedImport:
    """Files that were looked at.

    Attributes:
        name: that rows are filed under.
        decisions: what decides the result beside files, mapping and model.
        n_compared: rows whose texts were embedded again.
    """

    source: ImportSource
    files: tuple[SourceFile, ...]
    name: str
    mapping_digest: str
    intake: Intake
    identity: EmbedderIdentity
    decisions: dict[str, str | bool]
    n_compared: int

    def deliver(self, plan: RunPlan, settings: Settings) -> VectorDelivery:
        """Return how a run takes them in."""
        return VectorDelivery(
            source=self.source,
            intake=self.intake,
            identity=self.identity,
            modified={file.path: file.modified for file in self.files},
            plan=plan,
            parsing=settings.parsing,
            embedder=settings.embedder,
        )


def open_import(request: ImportRequest, spec: CollectionSpec, settings: Settings) -> OpenedImport:
    """Look at the files of an import, and at the vectors of some rows.

    Raises:
        InputError: the files or the mapping cannot be used, no row looked at is good, or the vectors are
            not the model's.
    """
    store, name, files = _find_files(request, s3=settings.s3)
    sizes = {file.path: file.size_bytes for file in files}
    tables = TableReader(ParserPool(choose_limits(settings.parsing)))
    source = open_import_source(store, sizes, vectors=request.vectors, tables=tables)
    if source.dim not in (None, spec.embedder.dim):
        detail = f"its vectors have {source.dim} numbers, those of {spec.embedder.name} {spec.embedder.dim}"
        raise SourceError(source=request.source, detail=f"{detail}; name their model with --model")
    mapping = load_mapping(Path(request.mapping)) if request.mapping else None
    decoder = Decoder(
        source=request.source_name or name,
        mapping=mapping,
        chunker_digest=spec.chunker_digest,
        has_versions=mapping is None and "version" in source.schema.names,
    )
    intake = Intake(decoder=decoder, dim=spec.embedder.dim, is_normalised=request.is_normalised)
    n_compared = 0 if request.is_trusted else _compare(source, intake, tables, settings)
    return OpenedImport(
        source=source,
        files=files,
        name=decoder.source,
        mapping_digest=(mapping or ROWS_MAPPING).digest,
        intake=intake,
        identity=describe_imported(spec, is_normalised=request.is_normalised, n_compared=n_compared),
        decisions={"vectors": request.vectors, "is_normalised": request.is_normalised},
        n_compared=n_compared,
    )


def describe_imported(spec: CollectionSpec, *, is_normalised: bool, n_compared: int) -> EmbedderIdentity:
    """Return what imported vectors are recorded as: the model's, computed by nobody knows what."""
    return EmbedderIdentity(
        **asdict(spec.embedder),
        backend=IMPORTED,
        instruction_set="unknown",
        settings={"is_normalised": is_normalised, "rows_compared": n_compared},
    )


def _find_files(request: ImportRequest, *, s3: S3Settings) -> tuple[Store, str, tuple[SourceFile, ...]]:
    """Return the store of an import's files, the source's name, and the files."""
    path = Path(request.source).expanduser()
    is_file = "://" not in request.source and path.is_file()
    if not is_file and path.suffix != ".lance":
        store, name = open_source(request.source, s3=s3)
        return store, name, list_all_files(store)
    store, _ = open_source(str(path.parent), s3=s3)
    if not is_file:
        return store, path.stem, list_all_files(store, below=path.name)
    beside = path.parent / request.vectors
    found = [path, *([beside] if request.vectors and beside.is_file() else [])]
    return store, path.stem, tuple(_describe_file(item, path.parent) for item in found)


def _describe_file(path: Path, folder: Path) -> SourceFile:
    known = path.stat()
    return SourceFile(
        path=path.relative_to(folder).as_posix(),
        size_bytes=known.st_size,
        modified=known.st_mtime_ns // 1000,
        tag=f"{known.st_size}-{known.st_mtime_ns}",
    )


def _compare(source: ImportSource, intake: Intake, tables: TableReader, settings: Settings) -> int:
    """Compare the vectors of some rows with those the model gives their texts; return how many rows."""
    rows: list[pa.Table] = []
    vectors = []
    fault = ""
    pieces = _spread(source.pieces, _SAMPLE_PIECES)
    for piece in pieces:
        file = InputFile(source=piece.path, modified=0)
        with closing(
            iterate_rows(source, piece, tables=tables, dim=intake.dim, is_normalised=intake.is_normalised)
        ) as read:
            first_row, table, checked = next(read)
        good = []
        for item in intake.decoder.decode(table, checked, file, first_row=first_row):
            if isinstance(item, DeadLetter):
                fault = fault or f"{item.source}, {item.position}: {item.detail}"
            else:
                good.append(item)
        for number, row in _spread(good, SAMPLE_ROWS // len(pieces)):
            rows.append(row)
            vectors.append(checked.vectors[number])
    if not rows:
        raise SourceError(source=source.store.url, detail=f"no row that was looked at can be used; {fault}")
    sample = pa.concat_tables(rows)
    columns = (sample["source"].to_pylist(), sample["position"].to_pylist())
    places = [f"{name}, {position}" for name, position in zip(*columns, strict=True)]
    check_model(list_texts(sample), np.stack(vectors), open_embedder(settings.embedder), places=places)
    return len(rows)


def _spread(items: Sequence[_T], n: int) -> list[_T]:
    """Return at most `n` items, evenly spread."""
    return [items[place] for place in sorted({len(items) * i // n for i in range(n)})] if items else []
