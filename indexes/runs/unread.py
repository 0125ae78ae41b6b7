"""What of a source could not be read when it was last tried, whatever runs read since.

One record a source, which its runs keep: `<collection>/runs/unread/<digest of its name>.json`. Dead letters
themselves stay in the runs that set them aside.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from pydantic import TypeAdapter

from eagleray.contracts.collections import Collection
from eagleray.digests import canonical_json, digest_json
from eagleray.errors import IntegrityError, ObjectNotFoundError
from indexes.runs.layout import locate_unread


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedPart:
    """A file, or other part of a source, as it was tried.

    Attributes:
        mark: of the part; another one is another content, or another mapping.
        runs: whose dead letters of it stand; none where all of it was read.
        has_documents: whether documents came of it.
    """

    mark: str
    runs: tuple[str, ...] = ()
    has_documents: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """What the runs of a source have found so far.

    Attributes:
        source: its name.
        mapping: digest of the mapping of its last run.
        matched: fields of that mapping that have found a value in some document.
        tried: parts with dead letters, as they were tried; the last entry of each is how it was tried last.
            There are more where runs were not published: the part may become again what it was before.
    """

    source: str
    mapping: str = ""
    matched: tuple[str, ...] = ()
    tried: dict[str, tuple[TriedPart, ...]] = field(default_factory=dict)

    @property
    def unread(self) -> dict[str, TriedPart]:
        """Parts that have dead letters now."""
        return {part: entries[-1] for part, entries in self.tried.items() if entries and entries[-1].runs}


_ADAPTER = TypeAdapter(SourceRecord)


def read_record(collection: Collection, source: str) -> SourceRecord | None:
    """Return what is recorded of a source, or `None`.

    Raises:
        IntegrityError: the record is damaged.
    """
    return _read(collection, _locate(collection, source))


def list_records(collection: Collection) -> list[SourceRecord]:
    """Return what is recorded of every source of a collection.

    Raises:
        IntegrityError: a record is damaged.
    """
    found = collection.store.list(locate_unread(collection.name))
    records = (_read(collection, item.path) for item in found)
    return [record for record in records if record is not None]


def write_record(collection: Collection, record: SourceRecord) -> None:
    """Keep what is known of a source."""
    body = asdict(record)
    data = canonical_json({"record": body, "sha256": digest_json(body)})
    collection.store.write(_locate(collection, record.source), data)


def _read(collection: Collection, path: str) -> SourceRecord | None:
    try:
        body = json.loads(collection.store.read(path))
        found, expected = digest_json(body["record"]), body["sha256"]
        record = _ADAPTER.validate_python(body["record"])
    except ObjectNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(path=path, expected="a record of a source", found="other bytes") from error
    if found != expected:
        raise IntegrityError(path=path, expected=expected, found=found)
    return record


def _locate(collection: Collection, source: str) -> str:
    return f"{locate_unread(collection.name)}/{digest_json(source)[:24]}.json"
