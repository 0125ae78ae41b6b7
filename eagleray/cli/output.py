"""How answers are shown: tables for people, one JSON value for programs."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Sequence
from typing import Any, Final, TextIO

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from eagleray.contracts.hits import Span
from eagleray.printable import escape_json, make_printable

_UNBOUNDED: Final = 1 << 20
"""Columns that no cell needs."""


def prepare_output() -> None:
    """Let standard output and error print any text in any locale: what it cannot show is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def show_line(text: str, *, file: TextIO | None = None) -> None:
    """Print one line, on standard output where no file is given; control characters in it are escaped."""
    print(make_printable(text), file=file, flush=True)


def show_lines(text: str) -> None:
    """Print text on as many lines as it has, on standard output; other control characters are escaped."""
    for line in text.split("\n"):
        show_line(line)


def show_marked(text: str, marks: Sequence[Span], *, indent: str = "") -> None:
    """Print text with parts of it in bold on a terminal, each of its lines on one.

    Args:
        text: control characters in it are escaped, line feeds aside.
        marks: the parts, in order, none within another.
        indent: of each line.
    """
    bold, plain = ("\x1b[1m", "\x1b[22m") if sys.stdout.isatty() else ("", "")
    pieces, end = [], 0
    for mark in marks:
        pieces += [(text[end : mark.start], False), (text[mark.start : mark.end], True)]
        end = mark.end
    shown = "".join(
        f"{bold}{make_printable(piece)}{plain}"
        if is_marked
        else "\n".join(map(make_printable, piece.split("\n")))
        for piece, is_marked in [*pieces, (text[end:], False)]
    )
    print("\n".join(indent + line for line in shown.split("\n")), flush=True)


def show_json(value: Any) -> None:
    """Print one JSON value on one line, in ASCII where standard output cannot show it otherwise."""
    text = escape_json(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str))
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, sort_keys=True, default=str)
    print(text)


def show_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print rows as a table of which nothing is cut off, or say that there are none."""
    if not rows:
        show_line("none")
        return
    table = Table(*(Column(name, overflow="fold") for name in columns), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(make_printable(str(row.get(column, "")))) for column in columns))
    if sys.stdout.isatty():
        Console().print(table)
    else:
        Console(width=_measure(table)).print(table)


def _measure(table: Table) -> int:
    """Return the columns of a table that wraps no cell: what reads a pipe reads lines."""
    unbounded = Console(width=_UNBOUNDED)
    return max(1, unbounded.measure(table).maximum)


_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula begins with in a spreadsheet; the last four are full-width, as in East Asian locales."""


def show_csv(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print rows as comma-separated values below the columns' names, as RFC 4180 has them.

    What a spreadsheet would take for a formula gets an apostrophe before it; control characters are escaped,
    line feeds aside.
    """
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_disarm(str(row.get(column, ""))) for column in columns])


def _disarm(cell: str) -> str:
    shown = "\n".join(map(make_printable, cell.split("\n")))
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def show_fields(fields: dict[str, Any], *, indent: str = "") -> None:
    """Print one field a line, what it holds indented below its name; nothing as `none`."""
    for name, value in fields.items():
        if isinstance(value, dict) and value:
            show_line(f"{indent}{name}:")
            show_fields(value, indent=f"{indent}  ")
        elif isinstance(value, list | tuple) and value:
            show_line(f"{indent}{name}:")
            for item in value:
                show_line(f"{indent}  {_show_item(item)}")
        else:
            show_line(f"{indent}{name}: {_show_item(value)}")


def _show_item(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, dict | list | tuple | str) and not value):
        return "none"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_show_item(item)}" for name, item in value.items())
    return str(value)
