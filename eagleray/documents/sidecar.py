"""A sidecar: a CSV table with a row for each file whose values a mapping takes from there.

Its column `file` names a file by its path below the source; the mapping says what other columns mean.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Final

from eagleray.contracts.sources import Origin, RawRecord, SidecarFile
from eagleray.documents.mapping_records import check_value
from eagleray.documents.mapping_rules import Mapping, ValueOriginKind
from eagleray.documents.mapping_values import RuleError, find_place_value
from eagleray.errors import MappingError

FILE_COLUMN: Final = "file"
"""The column that names files."""

_OTHER_MARKS: Final = (";", "\t", "|")
"""What spreadsheets write between cells where they write no commas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SidecarRow:
    """What a table says of a file.

    Attributes:
        line: where the row begins, from 1.
        file: path below the source.
        values: column -> text, of the cells that hold any.
    """

    line: int
    file: str
    values: dict[str, str]


def find_sidecar(mapping: Mapping) -> SidecarFile | None:
    """Return the table that a mapping takes values from, or `None`."""
    if not mapping.sidecar:
        return None
    columns = {
        place.name
        for rule in mapping.rules
        for place in rule.origins
        if place.kind is ValueOriginKind.SIDECAR
    }
    return SidecarFile(path=mapping.sidecar, columns=tuple(sorted(columns)))


def read_sidecar(sidecar: SidecarFile) -> dict[str, SidecarRow]:
    """Return file -> row of a table.

    Raises:
        MappingError: it cannot be read, lacks a column, or has a file twice; names the row.
    """
    rows: dict[str, SidecarRow] = {}
    reader = csv.reader(io.StringIO(_read_text(sidecar.path), newline=""), strict=True)
    names: list[str] = []
    line = 1
    try:
        for cells in reader:
            begun, line = line, reader.line_num + 1
            stripped = [cell.strip() for cell in cells]
            if not names:
                names = stripped
                _check_columns(sidecar, names)
            elif any(stripped):
                row = _read_row(sidecar, names, stripped, line=begun)
                if row.file in rows:
                    raise _fault(
                        sidecar, begun, f"{row.file!r} has a row already, in line {rows[row.file].line}"
                    )
                rows[row.file] = row
    except csv.Error as error:
        raise _fault(sidecar, reader.line_num, f"not valid CSV: {error}") from error
    if not names:
        raise _fault(sidecar, 1, f"the table is empty; expected the column {FILE_COLUMN!r} and others")
    return rows


def check_values(mapping: Mapping, sidecar: SidecarFile, rows: Iterable[SidecarRow]) -> None:
    """Check that the rules of a mapping can take the values of every row.

    Raises:
        MappingError: one cannot; names the row and the column.
    """
    places = [
        (rule, place)
        for rule in mapping.rules
        for place in rule.origins
        if place.kind is ValueOriginKind.SIDECAR
    ]
    for row in rows:
        record = RawRecord(origin=Origin(uri=row.file), modified=0, sidecar=row.values)
        for rule, place in places:
            value = find_place_value(rule, place, record)
            try:
                if value is not None:
                    check_value(value, rule, origin=place)
            except RuleError as fault:
                detail = f"{row.file!r}, column {place.name!r}: {fault.detail}"
                raise _fault(sidecar, row.line, detail) from fault


def check_files(sidecar: SidecarFile, rows: Iterable[SidecarRow], files: Iterable[str]) -> None:
    """Check that each row is of a file that the source has.

    Raises:
        MappingError: one is not; names the row.
    """
    known = set(files)
    for row in rows:
        if row.file not in known:
            near = _find_nearest(row.file, known)
            hint = f"did you mean {near!r}?" if near else "expected a path below the source"
            raise _fault(sidecar, row.line, f"the source has no file {row.file!r}; {hint}")


def _find_nearest(file: str, known: Iterable[str]) -> str:
    """Return the path that was meant: of the same name in another folder, or spelt alike; else `""`."""
    name = PurePosixPath(file).name
    named = sorted(path for path in known if PurePosixPath(path).name == name)
    return next(iter([*named, *get_close_matches(file, known, n=1)]), "")


def _read_text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        detail = f"the sidecar cannot be read: {error.strerror}"
        raise MappingError(path=path, line=1, detail=detail) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise MappingError(path=path, line=line, detail="expected UTF-8") from error


def _check_columns(sidecar: SidecarFile, names: list[str]) -> None:
    if len(names) == 1 and (found := next((mark for mark in _OTHER_MARKS if mark in names[0]), "")):
        raise _fault(sidecar, 1, f"expected commas between cells, found {found!r}")
    for name in (FILE_COLUMN, *sidecar.columns):
        if names.count(name) > 1:
            raise _fault(sidecar, 1, f"the column {name!r} stands twice")
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(map(repr, names))}"
            raise _fault(sidecar, 1, f"there is no column {name!r}; {hint}")


def _read_row(sidecar: SidecarFile, names: list[str], cells: list[str], *, line: int) -> SidecarRow:
    if len(cells) != len(names):
        raise _fault(sidecar, line, f"expected {len(names)} cells, found {len(cells)}")
    found = dict(zip(names, cells, strict=True))
    if not found[FILE_COLUMN]:
        raise _fault(sidecar, line, f"expected a path in the column {FILE_COLUMN!r}, found nothing")
    values = {name: found[name] for name in sidecar.columns if found[name]}
    return SidecarRow(line=line, file=found[FILE_COLUMN], values=values)


def _fault(sidecar: SidecarFile, line: int, detail: str) -> MappingError:
    return MappingError(path=sidecar.path, line=line, detail=detail)
