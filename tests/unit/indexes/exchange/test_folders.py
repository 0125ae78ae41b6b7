from __future__ import annotations

import pytest

from eagleray.errors import InputError
from indexes.exchange.folders import new_folder


def test_the_name_appears_only_when_everything_is_written(tmp_path):
    target = tmp_path / "deep" / "out"
    with new_folder(target) as folder:
        (folder / "part").write_text("whole")
        assert not target.exists()
    assert (target / "part").read_text() == "whole"
    assert [path.name for path in target.parent.iterdir()] == ["out"]


def test_a_block_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "out") as folder:
        (folder / "part").write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_folder_somebody_filled_meanwhile_is_not_touched(tmp_path):
    target = tmp_path / "out"
    with pytest.raises(InputError, match="was taken while"), new_folder(target) as folder:
        (folder / "part").write_text("mine")
        target.mkdir()
        (target / "theirs").write_text("theirs")
    assert [path.name for path in target.iterdir()] == ["theirs"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_place_that_takes_no_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"), new_folder(tmp_path / "file" / "out"):
        pass
