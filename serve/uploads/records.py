"""What is kept of uploads: whose file, in which vector store, how far; and of responses to callers.

Whether a file or a vector store exists is said by one object that is made once and removed once, never
changed: no write that comes late brings back what was deleted. What changes lies beside it (`keeping`).
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from eagleray.contracts.principals import Principal
from eagleray.errors import NotPublishedError

Attribute = str | bool | int | float

WRITING_US: Final = 1_800_000_000
"""Microseconds after which a file that is still being written is taken for left by a crash."""

_DAY_US: Final = 86_400_000_000
_NAME: Final = re.compile(r"(file-|vs_|vsfb_|resp_)[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """A file that was uploaded.

    Attributes:
        file_id: its name; nobody can guess it.
        created: microseconds.
        filename: as its owner calls it; the suffix says how it is read.
        purpose: what its owner says it is for.
        n_bytes: of its content.
        sha256: of its content, 64 hex digits.
        expires: microseconds, from when on it is there no more; 0 for never.
    """

    file_id: str
    created: int
    filename: str
    purpose: str
    n_bytes: int
    sha256: str
    expires: int = 0

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands in lists."""
        return self.created, self.file_id

    def is_there(self, now: int) -> bool:
        """Return whether it has not expired at a time, microseconds."""
        return not self.expires or now < self.expires


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTerms:
    """What a vector store's owner says of it, and may change.

    Attributes:
        name: as its owner calls it.
        description: what it is for.
        metadata: texts by name.
        n_days: days after its last use for which it is kept; 0 for ever.
    """

    name: str = ""
    description: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    n_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRecord:
    """A vector store: a name for files that are searched together.

    Attributes:
        store_id: its name; nobody can guess it.
        created: microseconds.
        terms: what its owner says of it.
        active: microseconds, when it was used last.
        is_expired: whether somebody found it unused for too long; it has no files from then on.
    """

    store_id: str
    created: int
    terms: StoreTerms = StoreTerms()
    active: int = 0
    is_expired: bool = False

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands in lists."""
        return self.created, self.store_id

    @property
    def last_active(self) -> int:
        """Microseconds, when it was made or used last."""
        return max(self.created, self.active)

    @property
    def expires(self) -> int:
        """Microseconds, when it is taken away unless it is used before; 0 for never."""
        return self.last_active + self.terms.n_days * _DAY_US if self.terms.n_days else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """One attempt to put a file into a vector store: its documents are its own, and no other attempt's.

    Attributes:
        store_id: of the vector store.
        file_id: of the file.
        attempt: its name; those of a file are in the order they were begun.
        created: microseconds, when it was begun.
        filename: of the file.
        n_bytes: of the file.
        max_tokens: of one of its chunks.
        overlap_tokens: that neighbours share at most.
        attributes: values by name, to filter by.
        batch_id: of the batch it came in, if it did.
        expires: microseconds, when the file does; 0 for never.
        n_documents: it comes to; `None` while nothing of it may have been written.
        snapshot: that was the first to hold its documents; empty while they are not known to be written.
        error_code: why it cannot be found, for programs; empty where it can, or is being written.
        error_detail: the same for people.
        is_cancelled: whether its owner wants no more of it, but to see it.
        is_removed: whether its owner took it out.
        is_closed: whether its documents were closed when no more could be written.
    """

    store_id: str
    file_id: str
    attempt: str
    created: int
    filename: str
    n_bytes: int
    max_tokens: int
    overlap_tokens: int
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    batch_id: str = ""
    expires: int = 0
    n_documents: int | None = None
    snapshot: str = ""
    error_code: str = ""
    error_detail: str = ""
    is_cancelled: bool = False
    is_removed: bool = False
    is_closed: bool = False

    @property
    def place(self) -> tuple[int, str]:
        """Where it stands in lists of its vector store."""
        return self.created, self.file_id

    def is_kept(self, now: int) -> bool:
        """Return whether its owner did not take it out, and its file has not expired, at a time."""
        return not (self.is_removed or (self.expires and now >= self.expires))

    @property
    def is_findable(self) -> bool:
        """Whether its documents are written, and wanted."""
        return bool(self.snapshot) and not (self.is_cancelled or self.is_removed)

    @property
    def source(self) -> str:
        """The `source` of its rows."""
        return name_source(self.store_id, self.file_id, self.attempt)

    @property
    def doc_ids(self) -> tuple[str, ...]:
        """Names of the documents that may have been written."""
        return tuple(f"{self.source}/{number}" for number in range(self.n_documents or 0))

    def is_over(self, now: int) -> bool:
        """Return whether nothing more can be written for it, at a time in microseconds."""
        is_told = bool(self.snapshot) or (bool(self.error_code) and self.n_documents is None)
        return is_told or now >= self.created + WRITING_US


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRecord:
    """Files that were attached together; each knows that it is of the batch.

    Attributes:
        store_id: of the vector store.
        batch_id: its name.
        created: microseconds.
        is_cancelled: whether its owner wants no more of it.
    """

    store_id: str
    batch_id: str
    created: int
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseRecord:
    """A response that can be continued, and shown again.

    Attributes:
        response_id: its name; nobody can guess it.
        created: microseconds.
        expires: microseconds, from when on it is there no more.
        groups: of its caller, when it was made.
        zones: of its caller, likewise; `None` for every zone.
        asked: what of the request holds for the whole conversation, as JSON values.
        rows: doc_id -> ids of the chunks that were read for it, in decimal.
        text: the response, as JSON.
    """

    response_id: str
    created: int
    expires: int
    groups: Sequence[str]
    zones: Sequence[str] | None
    asked: Mapping[str, Any]
    rows: Mapping[str, Sequence[str]]
    text: str

    def is_within(self, principal: Principal) -> bool:
        """Return whether a caller still has all groups and zones that it was made with."""
        zones = principal.zones
        has_zones = zones is None or (self.zones is not None and zones.issuperset(self.zones))
        return has_zones and principal.groups.issuperset(self.groups)


def make_name(kind: str) -> str:
    """Return a new name of 122 random bits; `kind` is `file-`, `vs_`, `vsfb_` or `resp_`."""
    return f"{kind}{uuid.uuid4().hex}"


def make_attempt(now: int) -> str:
    """Return a new name of an attempt that is begun at a time, microseconds."""
    return f"{now:017d}-{uuid.uuid4().hex[:8]}"


def is_name(text: str) -> bool:
    """Return whether a text may name a record."""
    return _NAME.fullmatch(text) is not None


def name_source(store_id: str, file_id: str = "", attempt: str = "") -> str:
    """Return the `source` of the rows of an attempt; with fewer names what those of them all begin with."""
    return f"vector_stores/{'/'.join((store_id, *filter(None, (file_id, attempt))))}{'' if attempt else '/'}"


def tell_missing(name: str) -> NotPublishedError:
    """Return the error that says that a caller has nothing of a name; others may."""
    return NotPublishedError(name=name, detail="you have nothing of this name here")


def read_clock() -> int:
    """Return the time, microseconds."""
    return time.time_ns() // 1_000
