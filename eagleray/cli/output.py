"""How answers are shown: tables for people, one JSON value for programs."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from eagleray.printable import escape_json, make_printable


def prepare_output() -> None:
    """Let standard output and error print any text in any locale: what it cannot show is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def show_line(text: str, *, file: TextIO | None = None) -> None:
    """Print one line, on standard output where no file is given; control characters in it are escaped."""
    print(make_printable(text), file=file, flush=True)


def show_json(value: Any) -> None:
    """Print one JSON value on one line, in ASCII where standard output cannot show it otherwise."""
    text = escape_json(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str))
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, sort_keys=True, default=str)
    print(text)


def show_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print rows as a table, or say that there are none."""
    if not rows:
        show_line("none")
        return
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(make_printable(str(row.get(column, "")))) for column in columns))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


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
