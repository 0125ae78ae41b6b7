"""Writes the client that blocks from the one that awaits: `eagleray/client/remote.py` and `connection.py`.

`python -m tools.make_sync_client`, or `make sync-client`; a test holds the files against what this makes.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
FOLDER: Final = ROOT / "eagleray" / "client"
NAMES: Final = ("connection", "remote")
"""Modules that are written, each from the one with `_async` at the end of its name."""

NOTE: Final = """
Written by `make sync-client` from `{source}`: change that file.
"""

REPLACED: Final = (
    (r"that awaits, with", "that blocks, with"),
    (r", and awaits:", ", and blocks:"),
    (r"for one event loop of asyncio\.", "safe to share between threads."),
    (r"For one event loop of asyncio\.", "Safe to share between threads."),
    (r"\bconnection_async\b", "connection"),
    (r"`eagleray\.connect_async`", "`eagleray.connect`"),
    (r"Awaitable\[None\]", "None"),
    (r"Awaitable, ", ""),
    (r"AbstractAsync(?=[A-Z])", "Abstract"),
    (r"\bAsync(?=[A-Z])", ""),
    (r"__a(enter|exit)__", r"__\1__"),
    (r"\baclose\b", "close"),
    (r"\basync ", ""),
    (r"\bawait ", ""),
    (r"\basyncio\b", "time"),
)
"""What is written otherwise: pattern and replacement, in this order."""


def find_target(name: str) -> Path:
    """Return where a module that blocks is."""
    return FOLDER / f"{name}.py"


def make_sync_client(name: str) -> str:
    """Return the module of a name that blocks, formatted."""
    source = FOLDER / f"{name}_async.py"
    text = source.read_text(encoding="utf-8")
    for pattern, replacement in REPLACED:
        text = re.sub(pattern, replacement, text)
    first, rest = text.split('"""\n', 1)
    separator = "" if "\n" in first else "\n"
    return _format(f'{first}{separator}{NOTE.format(source=source.name)}"""\n{rest}', find_target(name))


def _format(text: str, target: Path) -> str:
    for arguments in (["check", "--select", "I", "--fix", "--quiet"], ["format", "--quiet"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", str(target), "-"]
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, check=True, cwd=ROOT, encoding="utf-8"
        )
        text = done.stdout
    return text


if __name__ == "__main__":
    for module in NAMES:
        find_target(module).write_text(make_sync_client(module), encoding="utf-8")
