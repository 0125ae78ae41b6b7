from __future__ import annotations

import json
from dataclasses import replace

import pytest

from eagleray.contracts.documents import AttributeType
from eagleray.contracts.indexes import TextField
from eagleray.contracts.manifests import (
    FileEntry,
    FittedRelevance,
    Relabelling,
    RelevanceWeights,
    SegmentManifest,
    SnapshotManifest,
    encode_manifest,
)
from eagleray.digests import canonical_json, digest_bytes
from eagleray.errors import IntegrityError
from indexes.segments.manifests import decode_manifest, decode_segment_manifest
from tests.small_collections import EMBEDDER, SPEC

ENTRY = FileEntry(sha256="ab" * 32, size_bytes=3)
SEGMENT = SegmentManifest(
    zone="default",
    n_rows=3,
    embedder=EMBEDDER,
    groups=("public", "rates"),
    attributes={"year": (AttributeType.INTEGER, AttributeType.TIME)},
    first_known=-5,
    last_known=7,
    files=dict.fromkeys(
        ("rows.arrow", "vectors.npy", "groups.bin", *(f"lexical/{field}.arrow" for field in TextField)), ENTRY
    ),
)
SNAPSHOT = SnapshotManifest(
    collection=SPEC,
    segments=("ab" * 32,),
    patches=(),
    parent=None,
    n_rows=3,
    n_documents=1,
    attributes={"year": (AttributeType.INTEGER, AttributeType.TIME)},
    watermarks={"trades": "17"},
)


CALIBRATED = replace(
    SNAPSHOT,
    relevance=FittedRelevance(
        by_both=RelevanceWeights(intercept=-6.0, dense=5.0, covered=7.5, unknown=0.0),
        by_words=RelevanceWeights(intercept=-4.0, dense=0.0, covered=9.0, unknown=-4.25),
        n_questions=40,
        known_until=-5,
    ),
)
RELABELLED = replace(
    SNAPSHOT, relabellings=(Relabelling(run="ab", source="desk", mapping="cd", n_versions=3),)
)


@pytest.mark.parametrize("manifest", [SEGMENT, SNAPSHOT, CALIBRATED, RELABELLED, SPEC], ids=str)
def test_a_manifest_comes_back_as_it_was(manifest):
    assert decode_manifest(encode_manifest(manifest), type(manifest), path="x") == manifest


def test_a_snapshot_without_fitted_relevance_has_the_id_it_had_before_there_was_any():
    body = json.loads(encode_manifest(SNAPSHOT))
    assert "relevance" not in body
    assert json.loads(encode_manifest(CALIBRATED))["relevance"]["known_until"] == -5
    with pytest.raises(IntegrityError, match="other bytes"):
        decode_manifest(canonical_json(body | {"relevance": None}), SnapshotManifest, path="x")


def test_a_snapshot_that_was_never_relabelled_has_the_bytes_it_always_had():
    assert b"relabellings" not in encode_manifest(SNAPSHOT)
    assert json.loads(encode_manifest(RELABELLED))["relabellings"] == [
        {"run": "ab", "source": "desk", "mapping": "cd", "n_versions": 3}
    ]
    empty = canonical_json(json.loads(encode_manifest(SNAPSHOT)) | {"relabellings": []})
    with pytest.raises(IntegrityError):
        decode_manifest(empty, SnapshotManifest, path="x")


def change(**fields):
    body = json.loads(encode_manifest(SEGMENT)) | fields
    return canonical_json({name: value for name, value in body.items() if value != "absent"})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"null",
        change(zone="absent"),
        change(extra=1),
        change(n_rows="3"),
        change(n_rows=True),
        change(n_rows=3.0),
        change(groups="public"),
        change(attributes={"year": ["decimal"]}),
        change(attributes={"year": "integer"}),
        change(files={"rows.arrow": {"sha256": "ab"}}),
        change(format_version=1),
        encode_manifest(SEGMENT) + b" ",
        b'{"n_rows":3,' + encode_manifest(SEGMENT)[1:],
        b"[" * 100_000,
    ],
)
def test_anything_but_a_whole_manifest_is_an_integrity_error(data):
    with pytest.raises(IntegrityError, match="segment.json"):
        decode_manifest(data, SegmentManifest, path="segment.json")


def test_a_float_setting_stays_a_float():
    assert isinstance(SEGMENT.embedder.settings["scale"], float)
    again = decode_manifest(encode_manifest(SEGMENT), SegmentManifest, path="x")
    assert isinstance(again.embedder.settings["scale"], float)
    assert again.embedder.settings["exact"] is True


@pytest.mark.parametrize("name", ["../../etc/passwd", "/rows.arrow", "lexical/../x.npy", "a/b/c.npy", "rows"])
def test_a_segment_names_no_file_outside_its_folder(name):
    data = change(
        files=json.loads(encode_manifest(SEGMENT))["files"] | {name: {"sha256": "", "size_bytes": 1}}
    )
    with pytest.raises(IntegrityError, match="unexpected"):
        decode_segment_manifest(data, digest=digest_bytes(data), path="segment.json")


def test_a_manifest_under_another_name_is_an_integrity_error():
    with pytest.raises(IntegrityError, match="SHA-256"):
        decode_segment_manifest(encode_manifest(SEGMENT), digest="0" * 64, path="segment.json")
