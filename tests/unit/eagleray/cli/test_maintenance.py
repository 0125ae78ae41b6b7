from __future__ import annotations

import json

import pyarrow.parquet as pq
from typer.testing import CliRunner

from eagleray.cli.app import app
from indexes.storage import open_store
from tests.small_collections import SPEC, put_small_snapshot


def test_an_export_reports_what_it_wrote_and_shows_only_the_callers_rows(tmp_path):
    snapshot = put_small_snapshot(open_store(tmp_path / "store"))
    options = ["--store", str(tmp_path / "store"), "-c", SPEC.name, "--as-of", "1970-02-15"]

    def run(*arguments):
        done = CliRunner().invoke(app, ["export", snapshot[:10], *arguments, *options])
        assert done.exit_code == 0, done.output
        return done.stdout

    shown = json.loads(run(str(tmp_path / "all"), "--group", "rates", "--group", "desk", "--json"))
    assert (shown["snapshot"], shown["format"]) == (snapshot, "parquet")
    assert pq.read_metadata(tmp_path / "all" / "rows.parquet").num_rows == shown["rows"]
    text = run(str(tmp_path / "public"), "--format", "fvecs")
    assert "  vectors.fvecs\n" in text
    groups = pq.read_table(tmp_path / "public" / "rows.parquet")["groups"].to_pylist()
    assert groups
    assert not any(groups)
