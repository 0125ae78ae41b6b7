from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from eagleray.errors import IntegrityError
from indexes.lexical.building import build_postings
from indexes.lexical.files import open_postings, save_postings

TEXTS = ["the swap curve", "swaps and repo of the swap desk", ""]


def test_saved_postings_are_the_same_bytes_and_read_back_equal(tmp_path):
    for name in ("a", "b"):
        save_postings(build_postings(TEXTS), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    opened, made = open_postings(tmp_path / "a"), build_postings(TEXTS)
    for name in (
        "offsets",
        "rows",
        "frequencies",
        "lengths",
        "positions",
        "position_offsets",
        "surface_terms",
    ):
        assert np.array_equal(getattr(opened, name), getattr(made, name))
        assert getattr(opened, name).dtype == getattr(made, name).dtype
    assert opened.find_range("swap") == made.find_range("swap") != (0, 0)
    assert bytes(opened.surfaces.terms) == bytes(made.surfaces.terms) == b"curveswaps"


def test_opened_postings_lie_in_the_file(tmp_path):
    path = tmp_path / "body.arrow"
    save_postings(build_postings(TEXTS), path)
    opened = open_postings(path)
    spans = [
        line.split()[0].split("-")
        for line in Path("/proc/self/maps").read_text().splitlines()
        if str(path) in line
    ]
    for values in (opened.rows, opened.positions, opened.lengths, opened.vocabulary.terms):
        assert any(int(low, 16) <= values.ctypes.data < int(high, 16) for low, high in spans)


def test_rows_of_more_words_than_two_bytes_count_keep_their_positions(tmp_path):
    postings = build_postings(["repo " * 70_000 + "swap"])
    assert postings.positions.dtype == np.int32
    assert postings.positions[-1] == 70_000
    save_postings(postings, tmp_path / "long")
    assert open_postings(tmp_path / "long").positions[-1] == 70_000


def test_a_truncated_file_is_refused(tmp_path):
    path = tmp_path / "body.arrow"
    save_postings(build_postings(TEXTS), path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(IntegrityError, match="body.arrow"):
        open_postings(path)


@pytest.mark.parametrize(
    ("name", "values", "fault"),
    [
        ("rows", [0, 9, 1, 0], "do not ascend within the segment"),
        ("rows", [1, 0, 1, 0, 1], "rows and frequencies of different number"),
        ("frequencies", [1, 1, 0, 2], "do not ascend"),
        ("frequencies", [1, 1, 1, 1], "too few positions"),
        ("surface_terms", [7, 0], "a term that is not there"),
        ("position_offsets", [0, 1, 2, 9], "position offsets that do not ascend from 0 to 5"),
    ],
)
def test_numbers_that_point_elsewhere_are_refused(tmp_path, name, values, fault):
    made = build_postings(["curve swap", "repo swaps swap"])
    assert made.rows.tolist() == [0, 1, 0, 1]
    path = tmp_path / "body.arrow"
    save_postings(made, path)
    table = pa.ipc.open_file(path.read_bytes()).read_all()
    data = np.array(values, dtype=getattr(made, name).dtype).tobytes()
    place = table.schema.get_field_index(name)
    table = table.set_column(place, table.schema.field(name), pa.array([data], pa.large_binary()))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as file:
        file.write_table(table)
    with pytest.raises(IntegrityError, match=fault):
        open_postings(path)


def test_postings_of_other_rules_are_refused(tmp_path):
    path = tmp_path / "body.arrow"
    save_postings(build_postings(TEXTS), path)
    table = pa.ipc.open_file(path.read_bytes()).read_all()
    other = table.replace_schema_metadata({**table.schema.metadata, b"analyzer": b"german-1"})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, other.schema) as file:
        file.write_table(other)
    with pytest.raises(IntegrityError, match="english-2"):
        open_postings(path)
