"""The command line: the only place that prints.

`app` lists the commands in groups; `command` gives each its settings and prints its report, by `output`.
Each other file holds the commands of one subject, or what several of them share.
"""

from eagleray.cli.app import main

__all__ = ["main"]
