from __future__ import annotations

import pytest
from typer.testing import CliRunner

from eagleray.cli.app import app


@pytest.mark.parametrize(
    ("typed", "place", "expected"),
    [("eagleray sna", 1, ["snapshots"]), ("eagleray search --as", 2, ["--as-of"])],
)
def test_the_shell_completes_commands_and_options(typed, place, expected):
    asked = {"_EAGLERAY_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(place)}
    done = CliRunner().invoke(app, env=asked, prog_name="eagleray")
    assert done.stdout.split() == expected
