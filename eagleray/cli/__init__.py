"""The command line: the only place that prints.

`app` wires the commands; `showing` turns answers into tables or JSON; each other file holds the
commands of one subject.
"""

from eagleray.cli.app import main

__all__ = ["main"]
