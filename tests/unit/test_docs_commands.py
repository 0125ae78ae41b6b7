from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from eagleray.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def find_lines():
    """Return each command line of `eagleray` on the pages: in a block, or whole between backquotes."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.S | re.M)
        lines = [line for block in blocks for line in block.splitlines()]
        lines += re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M))
        found += [(page.name, line) for line in lines if re.match(r"(\.venv/bin/)?eagleray [a-z-]", line)]
    return found


def find_command(words):
    """Return the command that the first words name, and the words after them."""
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    return command, words


def test_the_pages_show_commands():
    assert len(find_lines()) > 10


@pytest.mark.parametrize(("page", "line"), find_lines(), ids=lambda value: value)
def test_a_command_on_a_page_exists_with_its_options(page, line):
    command, rest = find_command(shlex.split(line.split(" >> ")[0])[1:])
    known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    if hasattr(command, "commands"):
        known |= {"--help", "--install-completion", "--show-completion"}
        assert rest[0].startswith("-"), f"{page}: {line}"
    assert [word for word in rest if word.startswith("-") and word not in known] == []
