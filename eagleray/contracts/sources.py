"""Where records come from: the port that every source implements, and the values that cross it.

A source plans what is to be read from a position on, cuts it into splits, and reads one split at a time,
wherever that is done. Positions, plans and splits are frozen, survive pickling and hold no secret. The
sources there are live in `ray_jobs.sources`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Element

if TYPE_CHECKING:  # processes that parse make records, and load neither numpy nor settings
    from eagleray.contracts.ports import FloatVector
    from eagleray.settings import Settings

Position: TypeAlias = Mapping[str, str]
"""Part of a source -> how far it was read: the mark of a file, the next offset of a partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a record came from.

    Attributes:
        uri: of the file, table or topic, as rows are filed under it: `desk/2019/note.jsonl`.
        position: within it: `byte 120`, `row 3`, an offset; `""` for all of it.
    """

    uri: str
    position: str = ""

    @property
    def stem(self) -> str:
        """The last part of the URI without its suffix."""
        return PurePosixPath(self.uri).stem

    def reject(self, reason: DeadLetterReason, detail: str, *, doc_id: str = "") -> DeadLetter:
        """Return the dead letter for what stands there."""
        return DeadLetter(
            source=self.uri, position=self.position, reason=reason, detail=detail, doc_id=doc_id
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRecord:
    """One record as its source holds it, before a mapping says what each part means.

    Attributes:
        origin: where it was read.
        modified: when that was last changed, microseconds.
        fields: values by name, nested as they came. Whole files have `_id` (their URI), `title` and `text`.
        elements: spans into `fields["text"]`, in order; empty where the format names none.
        sidecar: column -> text of the row that a table beside the source has for its file.
        vector: that came with it: float32 [dim], unit L2 norm; `None` where the text is to be embedded.
    """

    origin: Origin
    modified: int
    fields: dict[str, Any] = field(default_factory=dict)
    elements: tuple[Element, ...] = ()
    sidecar: Mapping[str, str] = field(default_factory=dict)
    vector: FloatVector | None = field(default=None, compare=False, repr=False)

    @property
    def position(self) -> str:
        """Where it stands within what it was read from."""
        return self.origin.position

    def reject(self, reason: DeadLetterReason, detail: str, *, doc_id: str = "") -> DeadLetter:
        """Return the dead letter for this record."""
        return self.origin.reject(reason, detail, doc_id=doc_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """A document that its source no longer holds.

    Attributes:
        origin: where that is said.
        doc_id: of the document.
        known_to: when it was removed, microseconds: what was known before ends there.
    """

    origin: Origin
    doc_id: str
    known_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """What one task reads of a source; each kind of source adds what it needs to find it again.

    Attributes:
        key: name within the plan, the same whenever the same is planned.
        size_bytes: of the input.
    """

    key: str
    size_bytes: int


SplitT = TypeVar("SplitT", bound=Split, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlan(Generic[SplitT]):
    """What is to be read of a source from a position on.

    A source consists of parts, such as files or partitions; the URI of a record is the source's name, `/`,
    and the name of its part.

    Attributes:
        splits: of what is read.
        size_bytes: of the input, by which documents are spread.
        identity: what decides the records of these splits, as JSON can hold it; enters the run's id.
        whole: parts that are read from their beginning to their end: what is held of them and does not come
            again is removed.
        gone: parts that were there at the position, and are not any more.
        unchanged: parts that are read although they are as they were when they were read before, because what
            makes documents of them is another.
        unopened: parts that cannot be opened now: what is held of them stays.
        passed_over: what is not read -> how much of it there is.
    """

    splits: tuple[SplitT, ...]
    size_bytes: int
    identity: Mapping[str, Any]
    whole: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()
    unchanged: frozenset[str] = frozenset()
    unopened: tuple[str, ...] = ()
    passed_over: Mapping[str, int] = field(default_factory=dict)


PlanT = TypeVar("PlanT", bound=SourcePlan[Any])
ReadT = TypeVar("ReadT", bound=Split, contravariant=True)


class Source(Protocol[PlanT, ReadT]):
    """Documents, or rows with vectors, in a place that is read again and again.

    Planning and reading the same twice gives the same. A reader that stops in the middle of a split reads all
    of it again, elsewhere if need be, and finds the same records in the same order.
    """

    @property
    def name(self) -> str:
        """What its records are filed under."""
        ...

    @property
    def uri(self) -> str:
        """Where it is, for people; holds no secret."""
        ...

    @property
    def is_stream(self) -> bool:
        """Whether its position says which records are in, so that it is committed together with them.

        The position of any other source only saves work.
        """
        ...

    def plan(self, position: Position) -> PlanT:
        """Return what is to be read from a position on; an empty one is the beginning.

        Args:
            position: what `position_after` gave for the plan before this one; an empty mark stands for a part
                that is to be read again.

        Raises:
            InputError: the source cannot be read at all.
        """
        ...

    def read(self, split: ReadT) -> Generator[RawRecord | Tombstone | DeadLetter, None, None]:
        """Yield what a split holds, some at a time; closing the iterator ends the reading.

        What cannot become a record is a dead letter.

        Raises:
            StoreError: the source does not answer now.
            InputError: the source as a whole cannot be read.
        """
        ...

    def position_after(self, plan: PlanT) -> Position:
        """Return the position from which all that comes after a plan is read."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMove:
    """Progress of a stream, made together with the rows of the records in between.

    Attributes:
        stream: name of the source.
        expected: position that it goes on from; empty where nothing of the stream was read.
        position: that it comes to.
    """

    stream: str
    expected: Position
    position: Position


class SourceFactory(Protocol):
    """Opens a source, in the process that plans or where a split is read; is pickled and holds no secret."""

    def __call__(self, settings: Settings) -> Source[Any, Any]:
        """Return the source; what opens it, such as credentials, comes from the settings."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SidecarFile:
    """A table beside a source of files, and its columns that a mapping takes values from, in their order."""

    path: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRequest:
    """Which source is asked for.

    Attributes:
        uri: folder, `s3://bucket/prefix` or what another kind of source is named by.
        mapping_digest: of what makes documents of its records: where it changes, all is read again.
        name: that records are filed under; empty takes the source's own.
        own: URLs and folders of the collection's own stores, which are never part of a source.
        sidecar: table with values of the source's files.
    """

    uri: str
    mapping_digest: str
    name: str = ""
    own: tuple[str, ...] = ()
    sidecar: SidecarFile | None = None
