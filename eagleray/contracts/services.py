"""What the command line and the notebooks call: the parts the upper layers provide.

The base must not import the layers above it, so they register themselves as entry points of the
group `eagleray.parts`; `eagleray.parts` finds them. Answers are plain JSON values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from eagleray.contracts.audits import AuditQuery, RelabellingReply, RelabellingRequest
from eagleray.contracts.callers import Role
from eagleray.contracts.cited_answers import AnswerPart, AskRequest, CitedAnswer
from eagleray.contracts.evaluations import AskConfigured, EvaluationRequest
from eagleray.contracts.exchange import ExportRequest, ImportRequest
from eagleray.contracts.hits import SearchOptions
from eagleray.contracts.ports import SearchEngine

OnProgress = Callable[[str, int, int], None]
"""Called with a stage's name, shards finished and shards in all."""


@runtime_checkable
class ItemProgress(Protocol):
    """A callback for progress that is also told, about once a second, what unfinished shards have done."""

    def __call__(self, stage: str, done: int, total: int, /) -> None:
        """Take how many shards of a stage are finished."""
        ...

    def tell_items(self, stage: str, total: int, n_items: int) -> None:
        """Take how many items of a stage, such as records or texts, are done; called in another thread.

        Args:
            stage: its name.
            total: shards in all.
            n_items: done in this run, 0 when the stage begins.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRequest:
    """One delivery of a source into a collection.

    Attributes:
        source: folder or `s3://bucket/prefix`.
        source_name: name documents are filed under; empty takes the folder's name.
        mapping: path of a mapping file; empty takes the default mapping.
        alias: alias to move; empty builds the snapshot without publishing it.
        is_resumed: whether the ledger of an earlier, unfinished run of the same input is used.
        only_dead_letters: read again just the files that have dead letters.
        relabels: whether versions there are get what this mapping makes of them; none is added or ended.
        opens_documents: whether a mapping other than before may open documents to more callers.
        address: Ray cluster; `auto` takes the one of the job, empty starts a local one.
        is_dry: whether the source is only read and mapped, and nothing is written or published.
        allowed: share of files, and of records, from 0 to 1, that may be refused, and then every field of the
            mapping must match something; `None` publishes whatever was refused.
    """

    source: str
    source_name: str = ""
    mapping: str = ""
    alias: str = "live"
    is_resumed: bool = True
    only_dead_letters: bool = False
    relabels: bool = False
    opens_documents: bool = False
    address: str = ""
    is_dry: bool = False
    allowed: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRequest:
    """Questions in Parquet files that a job answers.

    Attributes:
        questions: file, folder, or `s3://` and either.
        target: folder or `s3://bucket/prefix` that takes the answers.
        options: of the search of each; every visible vector is compared, whatever they say.
        groups: of the caller; a question may name fewer for itself, never others.
        snapshot: alias, id, or the first 8 digits of an id; found out once, when the job begins.
        address: Ray cluster; `auto` takes the one of the job, empty starts a local one.
    """

    questions: str
    target: str
    options: SearchOptions = field(default_factory=SearchOptions)
    groups: frozenset[str] = frozenset()
    snapshot: str = "live"
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneRequest:
    """Questions that the weights of hybrid search are fitted to.

    Attributes:
        questions: path of a file of judged questions; empty makes them of the collection's own rows.
        n_known_items: questions made, where there is no file; `None` takes the default.
        groups: of the caller, whose rows questions are made of; a file names those of each question itself.
        alias: whose snapshot is tuned, and which moves.
        is_dry: whether the result is only told.
    """

    questions: str = ""
    n_known_items: int | None = None
    groups: frozenset[str] = frozenset()
    alias: str = "live"
    is_dry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateRequest:
    """A collection that is to learn which of its answers are relevant.

    Attributes:
        n_questions: questions that are made of its rows; `None` takes the default.
        groups: of the caller, whose rows they are made of.
        alias: whose snapshot is calibrated, and which moves.
        is_dry: whether the result is only told.
    """

    n_questions: int | None = None
    groups: frozenset[str] = frozenset()
    alias: str = "live"
    is_dry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRequest:
    """An API key that is wanted.

    Attributes:
        subject: who will hold it.
        roles: what they may do.
        groups: of the holder.
        zones: they may read; `None` for every zone, an empty set for none.
        days: after which it is refused.
        note: what it is for.
        collections: the holder may see; `None` for every one of the store.
    """

    subject: str
    roles: frozenset[Role]
    groups: frozenset[str] = frozenset()
    zones: frozenset[str] | None = frozenset()
    days: int = 90
    note: str = ""
    collections: frozenset[str] | None = None


class IndexService(Protocol):
    """Collections, snapshots and searches; no cluster needed."""

    def open_engine(self, *, snapshot: str) -> SearchEngine:
        """Return the engine over a snapshot, an alias or the beginning of an id."""
        ...

    def check_settings(self) -> list[dict[str, Any]]:
        """Try what the settings name: `check`, whether it is `ok`, and a `detail`."""
        ...

    def parse_filter(self, text: str) -> Any:
        """Return the filter expression that `text` writes."""
        ...

    def list_snapshots(self) -> list[dict[str, Any]]:
        """Return the collection's snapshots, oldest first, with the aliases on each."""
        ...

    def show_snapshot(self, *, snapshot: str) -> dict[str, Any]:
        """Return a snapshot's manifest, its aliases and its gate's report."""
        ...

    def diff_snapshots(self, *, before: str, after: str) -> dict[str, Any]:
        """Return what changed between two snapshots."""
        ...

    def publish(self, *, snapshot: str, alias: str) -> dict[str, Any]:
        """Run the gate and move the alias to the snapshot."""
        ...

    def run_gate(self, *, snapshot: str) -> dict[str, Any]:
        """Try a snapshot, keep the report and return it; no alias moves."""
        ...

    def read_gate_report(self, *, snapshot: str) -> dict[str, Any]:
        """Return the report of the gate's last run on a snapshot, and the same as a `page` of HTML."""
        ...

    def rollback(self, *, alias: str) -> dict[str, Any]:
        """Move the alias back to the snapshot before."""
        ...

    def verify(self, *, snapshot: str) -> dict[str, Any]:
        """Check every byte a snapshot needs; `findings` lists what is wrong."""
        ...

    def pin(self, *, snapshot: str, is_pinned: bool) -> dict[str, Any]:
        """Keep a snapshot whatever the retention, or let it go with it again."""
        ...

    def vacuum(self, *, keep_hours: float, is_dry: bool) -> dict[str, Any]:
        """Remove what no alias, pin or retention needs; a dry run only says what."""
        ...

    def copy(self, *, snapshot: str, target: str) -> dict[str, Any]:
        """Copy a snapshot and all it needs into another store, and check every byte there."""
        ...

    def export(self, request: ExportRequest) -> dict[str, Any]:
        """Write the rows and vectors a caller may see into a folder, and return what was written."""
        ...


class AnswerService(Protocol):
    """Answers with citations from an opened snapshot; no cluster needed."""

    def ask(self, request: AskRequest, engine: SearchEngine) -> CitedAnswer:
        """Return the answer."""
        ...

    def ask_stream(self, request: AskRequest, engine: SearchEngine) -> Iterator[AnswerPart]:
        """Yield the statements of the answer as they are found, then the whole of it."""
        ...


class EvaluationService(Protocol):
    """How well labelled questions are answered; no cluster needed."""

    def evaluate(self, request: EvaluationRequest, ask: AskConfigured | None = None) -> dict[str, Any]:
        """Ask and judge all questions, write what is wanted, and return the result without the answers.

        Args:
            request: what is wanted.
            ask: answers a question; `None` for this process.
        """
        ...


class JobService(Protocol):
    """Work that runs on Ray."""

    def ingest(self, request: IngestRequest, on_progress: OnProgress) -> dict[str, Any]:
        """Run a delivery from source to alias and return its report."""
        ...

    def import_rows(self, request: ImportRequest, on_progress: OnProgress) -> dict[str, Any]:
        """Take rows with their vectors into the collection, publish them, and return the report."""
        ...

    def compact(self, *, alias: str, address: str, on_progress: OnProgress) -> dict[str, Any]:
        """Join the small segments of an alias's snapshot, and publish the result."""
        ...

    def tune(self, request: TuneRequest) -> dict[str, Any]:
        """Fit the weights of hybrid search to questions, and publish them where they help."""
        ...

    def calibrate(self, request: CalibrateRequest) -> dict[str, Any]:
        """Learn from the collection's own rows which answers are relevant, and publish it."""
        ...

    def answer(self, request: AnswerRequest, on_progress: OnProgress) -> dict[str, Any]:
        """Answer files of questions, and return the report."""
        ...

    def list_dead_letters(self, *, run: str) -> list[dict[str, Any]]:
        """Return the dead letters of a run; of an empty `run`, what is still unread in the sources."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeRequest:
    """Where a process listens, and for whom.

    Attributes:
        host: address; beyond loopback only where keys or tokens are accepted.
        port: 0 takes a free one.
        alias: whose snapshot answers, also after it moves.
        is_development: whether unauthenticated requests are answered, on loopback only.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    alias: str = "live"
    is_development: bool = False


class ServeService(Protocol):
    """Answers over HTTP until the process is told to end."""

    def serve(self, request: ServeRequest, on_ready: Callable[[str], None]) -> None:
        """Serve the collections that the settings name; `on_ready` gets the URL once questions are answered.

        Raises:
            ExposureError: others could ask there, and nobody would be asked who they are.
            InputError: no caller could be authenticated, or the address is taken.
            NotPublishedError: there is no such collection or alias.
        """
        ...


class KeyService(Protocol):
    """The API keys of a store."""

    def create(self, request: KeyRequest) -> dict[str, Any]:
        """Make a key; its text, `key`, is in the answer and nowhere else."""
        ...

    def revoke(self, *, key_id: str) -> dict[str, Any]:
        """Revoke a key permanently; `changed` says whether it was valid until now."""
        ...

    def list_keys(self) -> list[dict[str, Any]]:
        """Return every key, oldest first, with its `state`: `valid`, `expired` or `revoked`."""
        ...


class AuditService(Protocol):
    """The log of requests; no cluster needed."""

    def verify(self, *, heads: str) -> dict[str, Any]:
        """Check every chain; `findings` lists what is wrong.

        Args:
            settings: name the log.
            heads: text of an earlier export; empty for none.
        """
        ...

    def show(self, query: AuditQuery) -> Iterator[dict[str, Any]]:
        """Yield the records that a query selects, in the order of their times."""
        ...

    def replay(self, query: AuditQuery) -> dict[str, Any]:
        """Ask the selected questions again, each on its snapshot; `different` lists other answers."""
        ...

    def recording(
        self, request: RelabellingRequest
    ) -> AbstractContextManager[Callable[[RelabellingReply], None]]:
        """Record that a relabelling begins, and at the end of a block how it ended.

        The block gets what takes the reply.
        """
        ...

    def head(self) -> dict[str, Any]:
        """Return the last hash of every chain, to be kept elsewhere."""
        ...


class McpService(Protocol):
    """Tools of the Model Context Protocol on the collections of a store, in this process."""

    def serve_stdio(self, *, groups: frozenset[str], alias: str) -> None:
        """Serve until standard input ends.

        Args:
            groups: of the caller.
            alias: whose snapshots answer, where none is named.
        """
        ...
