from __future__ import annotations

import pytest

from eagleray.contracts.sources import SourceRequest
from eagleray.errors import InputError, SourceError
from eagleray.testing.sources import SECRET, SourceContract
from ray_jobs.service import find_source


class TestSources(SourceContract):
    """Those of this project: a folder, a bucket, rows with vectors; the fixture `desk` gives each."""


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (f"oracle://scott:{SECRET}@db/desk", "holds a password; give it in the settings"),
        (f"s3://key:{SECRET}@bucket/desk", "holds a password; give it in the settings"),
        ("oracle://db/desk", "expected a folder or one of file://, s3://"),
    ],
)
def test_what_is_no_source_is_refused_and_no_password_is_shown(uri, expected):
    with pytest.raises(InputError, match=expected) as refused:
        find_source(SourceRequest(uri=uri, mapping_digest="m"))
    assert SECRET not in str(refused.value)


def test_a_folder_that_is_not_there_is_refused_at_once(tmp_path):
    for uri in (str(tmp_path / "nothing"), f"file://{tmp_path}/nothing"):
        with pytest.raises(SourceError, match="found nothing of that name"):
            find_source(SourceRequest(uri=uri, mapping_digest="m"))
