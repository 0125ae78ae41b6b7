from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from eagleray.contracts.documents import Document
from eagleray.contracts.times import format_micros
from eagleray.documents.formats.registry import SUFFIXES
from eagleray.documents.mapping import apply_mapping, load_mapping
from eagleray.documents.mapping_file import KEYS
from eagleray.documents.records import InputFile
from eagleray.documents.sidecar import find_sidecar, read_sidecar

PAGE = Path(__file__).parents[4] / "docs" / "mapping.md"

RECORDS = (
    {
        "_id": "a",
        "text": "t",
        "metadata": {"date": "2019-03-01T09:30:00", "desks": ["rates"], "ticker": "AAPL"},
    },
    {"id": "b", "headline": "h", "body": "t", "period_end": "2018-12-31", "tags": {"lang": "en"}},
    {"_id": "c", "text": "t", "sent": "01/03/2019 09:30", "trade_ms": 1000},
    {"_id": "d", "text": "t"},
    {"_id": "e", "text": "t"},
)
KNOWN = (
    "2019-03-01T14:30:00Z",
    "2019-05-06T23:00:00Z",
    "2019-03-01T00:30:00Z",
    "2019-05-07T04:00:00Z",
    "2019-03-01T09:30:00Z",
)


def test_every_example_on_the_page_maps_its_record(tmp_path):
    text = PAGE.read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", text, flags=re.S)
    assert len(examples) == len(RECORDS)
    (tmp_path / "labels.csv").write_text(re.search(r"```csv\n(.*?)```", text, re.S)[1])
    file = InputFile(source="research/2019/aapl-2019-05-07.jsonl", modified=0)
    for example, fields, known_from in zip(examples, RECORDS, KNOWN, strict=True):
        path = tmp_path / "mapping.yaml"
        path.write_text(example, encoding="utf-8")
        mapping = load_mapping(path)
        sidecar = find_sidecar(mapping)
        row = read_sidecar(sidecar)["2019/aapl.pdf"].values if sidecar else {}
        document = apply_mapping(mapping, replace(file.make_record("byte 0", fields), sidecar=row))
        assert isinstance(document, Document), document
        assert format_micros(document.known_from) == known_from


def test_the_page_names_every_key_and_every_suffix():
    text = PAGE.read_text(encoding="utf-8")
    assert [key for key in KEYS if f"| `{key}` |" not in text] == []
    assert [suffix for suffix in SUFFIXES if f"`{suffix}`" not in text] == []
