from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from eagleray.cli import main
from eagleray.settings import Settings
from tests.integration.cut_runs import CUT, NOTES, ingest, write_lines


@pytest.fixture(scope="session")
def undisturbed(cluster, tmp_path_factory):
    """The snapshot that a cut run over `NOTES` makes when nothing disturbs it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    settings = Settings(
        store=str(folder / "store"), collection="notes", embedder={"model": "hashing"}, jobs=CUT
    )
    return ingest(settings, write_lines(folder / "desk" / "notes.jsonl", NOTES))["snapshot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command of the command line ended."""

    code: int
    out: str
    err: str

    @property
    def shown(self):
        """The one JSON value on standard output."""
        return json.loads(self.out)


@pytest.fixture
def cli(cluster, settings, monkeypatch, capsys):
    """Run `eagleray` in this process, on the shared cluster and the test's own store."""
    for name in ("store", "collection", "cache"):
        monkeypatch.setenv(f"EAGLERAY_{name.upper()}", getattr(settings, name))
    monkeypatch.setenv("EAGLERAY_EMBEDDER__MODEL", settings.embedder.model)
    monkeypatch.setenv("EAGLERAY_JOBS__WORKERS", str(settings.jobs.workers))

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        return Ended(code=ended.value.code or 0, **capsys.readouterr()._asdict())

    return run


@pytest.fixture
def write_notes(tmp_path):
    """Write records as JSON Lines into a file of the source folder and return the folder."""

    def write(records, *, name="notes.jsonl"):
        folder = tmp_path / "desk"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("".join(json.dumps(record) + "\n" for record in records))
        return folder

    return write
