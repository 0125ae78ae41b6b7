"""An export: what a caller may see of a snapshot, as a folder of files with a record of what they are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from eagleray.contracts.documents import AttributeTypes
from eagleray.contracts.exchange import ExchangeFormat, ExportRequest
from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import format_micros
from eagleray.digests import canonical_json, digest_file
from eagleray.errors import InputError
from indexes.exchange.blocks import RowReader, iterate_blocks, make_row_schema
from indexes.exchange.folders import check_free, new_folder
from indexes.exchange.sinks.export_files import MatrixShape, write_files
from indexes.exchange.sinks.faiss_ivf import choose_codebook
from indexes.exchange.sinks.lance import check_names, import_lance
from indexes.searching.column_checks import ColumnChecks
from indexes.searching.targets import Scope, TargetFinder
from indexes.snapshots.opened import OpenSnapshot

RECORD: Final = "export.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What an export wrote.

    Attributes:
        target: the folder.
        bytes: of all files.
        files: names below the target, sorted.
    """

    snapshot: str
    format: ExchangeFormat
    target: str
    rows: int
    bytes: int
    files: tuple[str, ...]


def export_snapshot(
    opened: OpenSnapshot, request: ExportRequest, *, expression: FilterExpression | None
) -> ExportReport:
    """Write the rows that a search of the request's caller could find, with their vectors.

    Args:
        opened: the snapshot.
        request: what is wanted.
        expression: the request's filter, parsed.

    Raises:
        InputError: the target is not empty, no row is visible, or the format cannot hold the rows.
        MissingExtraError: the format's package is not installed.
        FilterColumnError: the filter does not fit the columns that the caller may know of.
    """
    target = Path(request.target).expanduser().absolute()
    check_free(target)
    finder = TargetFinder(opened.segments)
    ColumnChecks(finder.find_types, finder.list_names).check_filter(expression, request.principal)
    attributes = _find_attributes(finder, request.principal)
    targets = finder.find(Scope(as_of=request.as_of, principal=request.principal, filter=expression))
    n_rows = sum(item.selection.n_selected for item in targets)
    if not n_rows:
        raise InputError(detail="nothing visible to this caller at this time matches; nothing was written")
    shape = MatrixShape(
        n_rows=n_rows,
        dim=opened.manifest.collection.embedder.dim,
        schema=make_row_schema(attributes),
        codebook=choose_codebook(targets) if request.format is ExchangeFormat.FAISS_IVF else None,
    )
    if request.format is ExchangeFormat.LANCE:
        import_lance()
        check_names(shape.schema)
    caller = RowReader(principal=request.principal, as_of=request.as_of)
    with new_folder(target) as folder:
        blocks = iterate_blocks(targets, attributes=attributes, caller=caller)
        write_files(request.format, folder, blocks, shape=shape)
        files = _list_files(folder)
        record = {**_describe(opened, request, n_rows=n_rows), "files": files}
        written = (folder / RECORD).write_bytes(canonical_json(record) + b"\n")
    return ExportReport(
        snapshot=opened.snapshot_id,
        format=request.format,
        target=str(target),
        rows=n_rows,
        bytes=sum(file["bytes"] for file in files.values()) + written,
        files=(RECORD, *files),
    )


def _find_attributes(finder: TargetFinder, principal: Principal) -> AttributeTypes:
    """Return the attributes of the rows that a caller may read, with the types of their values."""
    names = sorted(finder.list_names(principal))
    types = finder.find_types(principal, names)
    return {name: tuple(sorted(types[name])) for name in names}


def _list_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Return size and digest of each file, by its name below the folder, sorted."""
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": digest_file(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _describe(opened: OpenSnapshot, request: ExportRequest, *, n_rows: int) -> dict[str, Any]:
    """Return what the files are, for those who find them later."""
    return {
        "collection": opened.manifest.collection.name,
        "snapshot": opened.snapshot_id,
        "model": asdict(opened.manifest.collection.embedder),
        "format": str(request.format),
        "as_of": None if request.as_of is None else format_micros(request.as_of),
        "filter": request.filter or None,
        "groups": sorted(request.principal.groups),
        "zones": None if request.principal.zones is None else sorted(request.principal.zones),
        "rows": n_rows,
    }
