from __future__ import annotations

import pytest

from eagleray.cli import main
from eagleray.cli.progress import report_progress
from eagleray.parts import Part


class Interrupted:
    """A job that is stopped by Ctrl-C as soon as it has begun."""

    def ingest(self, request, on_progress):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ((), "stopped; the same command resumes"),
        (("--fresh",), "stopped; the same command without --fresh resumes"),
    ],
)
def test_ctrl_c_ends_a_job_with_130_and_says_how_it_is_resumed(monkeypatch, capsys, options, line):
    monkeypatch.setattr(Part, "load", lambda part, settings: Interrupted())
    with pytest.raises(SystemExit) as ended:
        main(["ingest", "desk", *options])
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", f"{line}\n")


def test_what_fails_otherwise_is_not_told_to_be_stopped(capsys):
    with pytest.raises(ValueError, match="odd"), report_progress():
        raise ValueError("odd")
    assert capsys.readouterr().err == ""
