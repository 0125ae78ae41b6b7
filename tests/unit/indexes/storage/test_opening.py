from __future__ import annotations

import pytest

from eagleray.errors import InputError
from indexes.storage import open_store


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/desk//x",
        "s3://bucket//desk",
        "s3://bucket/desk//",
        "s3://bucket//",
        "s3://bucket/desk/../x",
        "s3://bucket/./desk",
        "s3://bucket/a\tb",
        "s3://bucket/a\x7fb",
    ],
)
def test_a_prefix_that_no_key_can_have_is_refused(url):
    with pytest.raises(InputError, match="no part of its prefix may be empty"):
        open_store(url)


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/", "s3://bucket"),
        ("S3://bucket/desk/", "s3://bucket/desk"),
        ("s3://bucket/who?/a#b/50%25/ü [x]", "s3://bucket/who?/a#b/50%25/ü [x]"),
    ],
)
def test_a_prefix_is_a_part_of_keys_as_it_stands(url, opened):
    store = open_store(url)
    assert store.url == opened
    assert open_store(store.url).url == opened


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3:///desk",
        "s3:desk",
        "gs://bucket/desk",
        "http://[/x",
        "",
        " ",
        " s3://bucket/desk",
        "s3://bucket/desk\n",
        "store\n",
        "file://store/notes",
    ],
)
def test_what_is_no_place_of_a_store_is_refused(url):
    with pytest.raises(InputError, match="store"):
        open_store(url)


def test_a_file_url_names_a_folder_of_this_machine(tmp_path):
    assert open_store(f"file://localhost{tmp_path}").url == open_store(tmp_path).url == f"file://{tmp_path}"
