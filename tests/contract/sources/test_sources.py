from __future__ import annotations

import math

import pytest

from eagleray.contracts.sources import SidecarFile, SourceRequest
from eagleray.errors import InputError, SourceError
from eagleray.testing.sources import SECRET, SourceContract
from ray_jobs.service import find_source, list_sources


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


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("quotes", "expected scheme=package.module:attribute, the scheme in lower case, found 'quotes'"),
        ("Quotes=quotes:make", "expected .* the scheme in lower case, found 'Quotes=quotes:make'"),
        ("quotes=quotes", "expected package.module:attribute, found 'quotes'"),
        ("s3=quotes:make", "there is a source for s3:// already; choose another scheme"),
        ("a=math:floor a=math:ceil", "there is a source for a:// already"),
        ("quotes=no.such:make", "'no.such:make' cannot be imported .*No module named 'no'.*; install its"),
        ("quotes=math:make", "'math:make' cannot be imported .AttributeError"),
        ("quotes=math:pi", "expected a function that makes .* found 'math:pi', a float"),
    ],
)
def test_a_named_source_that_cannot_be_one_is_refused_with_what_to_do(named, expected):
    with pytest.raises(InputError, match=f"^EAGLERAY_JOBS__SOURCES: {expected}"):
        list_sources(named.split())


def test_named_sources_stand_beside_those_of_this_project():
    found = list_sources(["quotes=math:floor", "bloomberg+v2=math:ceil"])
    assert (found.pop("quotes"), found.pop("bloomberg+v2")) == (math.floor, math.ceil)
    assert found == list_sources([])
    uri = "QUOTES://desk"
    with pytest.raises(InputError, match="a folder or one of file://, s3://; EAGLERAY_JOBS__SOURCES names"):
        find_source(SourceRequest(uri=uri, mapping_digest="m"), found)
    made = find_source(SourceRequest(uri=uri, mapping_digest="m"), {"quotes": lambda request: request.uri})
    assert made == uri


def test_a_sidecar_is_for_files_alone(tmp_path):
    sidecar = SidecarFile(path="labels.csv", columns=("ticker",))
    of_files = find_source(SourceRequest(uri=str(tmp_path), mapping_digest="m", sidecar=sidecar))
    assert of_files.request.sidecar == sidecar
    with pytest.raises(InputError, match="a source of quotes:// has none; map its fields"):
        find_source(SourceRequest(uri="quotes://x", mapping_digest="m", sidecar=sidecar), {"quotes": print})
