"""Writes the client that blocks, `eagleray/client/remote.py`, from the one that awaits, `remote_async.py`.

`python -m tools.make_sync_client`, or `make sync-client`; a test holds the file against what this makes.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCE: Final = ROOT / "eagleray" / "client" / "remote_async.py"
TARGET: Final = SOURCE.with_name("remote.py")

NOTE: Final = """
Written by `make sync-client` from `remote_async.py`: change that file.
"""

REPLACED: Final = (
    (r"that awaits, with", "that blocks, with"),
    (r"For one event loop of asyncio\.", "Safe to share between threads."),
    (r"`eagleray\.connect_async`", "`eagleray.connect`"),
    (r"Awaitable\[None\]", "None"),
    (r"Awaitable, ", ""),
    (r"\bAsync(?=[A-Z])", ""),
    (r"__a(enter|exit)__", r"__\1__"),
    (r"\baclose\b", "close"),
    (r"\basync ", ""),
    (r"\bawait ", ""),
    (r"\basyncio\b", "time"),
)
"""What is written otherwise: pattern and replacement, in this order."""


def make_sync_client() -> str:
    """Return the module that blocks, formatted."""
    text = SOURCE.read_text(encoding="utf-8")
    for pattern, replacement in REPLACED:
        text = re.sub(pattern, replacement, text)
    first, rest = text.split('"""\n', 1)
    return _format(f'{first}\n{NOTE}"""\n{rest}')


def _format(text: str) -> str:
    for arguments in (["check", "--select", "I", "--fix", "--quiet"], ["format", "--quiet"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", str(TARGET), "-"]
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, check=True, cwd=ROOT, encoding="utf-8"
        )
        text = done.stdout
    return text


if __name__ == "__main__":
    TARGET.write_text(make_sync_client(), encoding="utf-8")
