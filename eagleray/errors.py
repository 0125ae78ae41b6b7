"""Every error of the project, as one tree.

EagleRayError
├── InputError                 the caller can mend it
│   ├── InvalidTimeError           text that names no instant
│   ├── MappingError               a mapping file, with the line of the fault
│   ├── FilterError                a filter expression, with the position of the fault
│   │   └── FilterColumnError          a column that is not there, or a value of another type
│   ├── QueryError                 an empty query, k = 0, an argument of the wrong type
│   │   └── DocumentNotFoundError      no document of that name that the caller may see
│   ├── ReusedKeyError             an idempotency key that was used for another request
│   ├── SourceError                a folder or prefix that cannot be read or is empty
│   ├── ModelError                 an embedder or reranker that is not there, or is none
│   ├── ContextLengthError         a conversation that is longer than the language model reads
│   ├── DocumentsOpenedError       another mapping would open documents to those who may not read them
│   ├── MissingExtraError          a part that is not installed, with the extra that has it
│   ├── AuthenticationError        it is not known who asks; never says why
│   ├── ExposureError              a server that would listen where it must not
│   └── NotPublishedError          no such collection, snapshot or alias
│       └── ModelNotServedError        no model of that name answers here
├── StoreError                 the store failed; the operation may be tried again
│   └── ObjectNotFoundError        no object of that name (trying again will not help)
├── KeySetError                the keys that tokens are checked with cannot be had now
├── ShardError                 a part of a snapshot's segments cannot answer for it now
├── ParserError                a process that files are parsed in cannot be started
├── ClusterError               a Ray cluster that cannot be reached or started
├── IntegrityError             stored bytes are not what their manifest says
├── ConflictError              somebody else moved the alias first
├── StreamMovedError           another writer moved the position of a stream: this one has to stop
├── GateError                  a snapshot did not pass its gate
├── StrictRunError             a strict run refused more than it may, so nothing is published
├── ForbiddenError             a caller without the role or the zones for it
│   └── DisclosureError            text that a language model may not be given
├── OverloadedError            too many requests at once; try again later
│   ├── QuotaError                 this caller took its share; others are answered
│   └── BodyRoomError              bodies of requests or answers take all the memory that they may
├── UnavailableError           a part of a server does not answer now; try again later
├── DeadlineError              a request took longer than it may
├── UnreachableError           no server answers at an address, or the connection broke
├── ServerError                a server answered, and what came is no answer
├── ModelAnswerError           a language model's reply cannot be used
├── AuditError                 the audit log cannot take a record, so no answer is given
└── GuardError                 a row outside the mask reached a result: a defect, never a hit

Each error says what was expected, what came and what to do; it carries its parts as fields and
survives pickling, because workers raise in other processes.
"""

from __future__ import annotations

from typing import Any, ClassVar


class EagleRayError(Exception):
    """Base of every error the project raises on purpose.

    Attributes:
        retryable: whether the same call may succeed later without a change by the caller.
        exit_code: what the command line returns for it.
    """

    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1
    message: ClassVar[str] = "{detail}"

    def __init__(self, **fields: Any) -> None:
        """Keep the fields and format the class's message with them."""
        self.fields = fields
        super().__init__(self.message.format(**fields))

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.fields))

    def __getattr__(self, name: str) -> Any:
        fields = self.__dict__.get("fields", {})
        if name in fields:
            return fields[name]
        raise AttributeError(name)


def _rebuild(kind: type[EagleRayError], fields: dict[str, Any]) -> EagleRayError:
    return kind(**fields)


class InputError(EagleRayError):
    """The caller asked for something that cannot be done as asked. Fields: detail."""

    exit_code = 2


class InvalidTimeError(InputError):
    """Fields: text, reason."""

    message = "{text!r} is not a time that eagleray can use: {reason}"


class MappingError(InputError):
    """Fields: path, line, detail."""

    message = "{path}:{line}: {detail}"


class FilterError(InputError):
    """Fields: text, position (character from 0), detail."""

    message = "filter {text!r}, character {position}: {detail}"


class FilterColumnError(FilterError):
    """Fields: column, detail."""

    message = "filter on {column!r}: {detail}"


class QueryError(InputError):
    """Fields: detail."""


class DocumentNotFoundError(QueryError):
    """Fields: doc_id."""

    message = "there is no document {doc_id!r} that this caller may see as of this time"


class SourceError(InputError):
    """Fields: source, detail."""

    message = "source {source}: {detail}"


class DocumentsOpenedError(InputError):
    """Fields: source, n (documents)."""

    message = (
        "{source} was last read by another mapping, and this one would open {n} of its documents to "
        "callers who may not read them now; nothing was published. Name the mapping it was read by "
        "(--mapping), or confirm with --open-documents"
    )


class ModelError(InputError):
    """Fields: model, detail."""

    message = "model {model}: {detail}"


class ContextLengthError(InputError):
    """Fields: model."""

    message = (
        "the conversation is longer than the language model {model!r} reads; ask for fewer passages or tokens"
    )


class MissingExtraError(InputError):
    """Fields: part, extra."""

    message = "{part} is not installed; install it with: pip install 'eagleray[{extra}]'"


class AuthenticationError(InputError):
    """It is not known who asks. The message is the same whatever the reason, and there are no fields.

    Attributes:
        reason: one fixed word, for the log alone: no answer may carry it.
        key_id: of the key or token, for the log alone; empty where there is none.
    """

    message = "authentication failed: expected a valid API key or token"

    def __init__(self, *, reason: str = "", key_id: str = "") -> None:
        super().__init__()
        self.reason, self.key_id = reason, key_id

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), {"reason": self.reason, "key_id": self.key_id}))


class ForbiddenError(EagleRayError):
    """Fields: action, needs (what the caller lacks)."""

    exit_code = 2
    message = "this caller lacks {needs}, which the action {action!r} needs"


class DisclosureError(ForbiddenError):
    """Fields: model, what (a collection or a zone)."""

    message = "text of {what} may not be given to the language model {model!r}"


class ExposureError(InputError):
    """Fields: host, detail."""

    message = "will not listen on {host!r}: {detail}"


class KeySetError(EagleRayError):
    """Fields: detail."""

    retryable = True
    exit_code = 5
    message = "tokens cannot be checked now: {detail}; try again later"


class StoreError(EagleRayError):
    """Fields: path, detail."""

    retryable = True
    exit_code = 5
    message = "store object {path}: {detail}"


class ShardError(EagleRayError):
    """Fields: segments (numbers in the snapshot), detail."""

    retryable = True
    exit_code = 5
    message = "segments {segments} of the snapshot cannot answer: {detail}; try again later"


class ObjectNotFoundError(StoreError):
    """Fields: path, detail."""

    retryable = False


class ParserError(EagleRayError):
    """A process that files are parsed in cannot be started. Fields: detail."""

    retryable = True
    exit_code = 5
    message = "files cannot be parsed now: {detail}"


class ClusterError(EagleRayError):
    """Fields: address, detail."""

    retryable = True
    exit_code = 5
    message = "Ray cluster {address}: {detail}"


class IntegrityError(EagleRayError):
    """Fields: path, expected, found."""

    exit_code = 4
    message = (
        "{path} is damaged: expected {expected}, found {found}; "
        "restore it from a copy of the store or build the collection again"
    )


class ConflictError(EagleRayError):
    """Fields: alias, expected, found."""

    retryable = True
    exit_code = 3
    message = (
        "alias {alias!r} moved while this run was at work: expected {expected}, found {found}; "
        "run it again on top of the new snapshot"
    )


class StreamMovedError(EagleRayError):
    """Fields: stream, expected, found (positions as JSON)."""

    exit_code = 3
    message = (
        "another writer moved the stream {stream!r}: expected its position to be {expected}, found {found}; "
        "nothing was written. Stop this writer, or let it go on from the position that the snapshot holds"
    )


class GateError(EagleRayError):
    """Fields: snapshot, failures."""

    exit_code = 3
    message = "snapshot {snapshot} did not pass its gate and is not published: {failures}"


class StrictRunError(EagleRayError):
    """Fields: source, detail, report (of what was read, as the run's own would be)."""

    exit_code = 3
    message = "nothing was published of {source}: {detail}"


class ReusedKeyError(InputError):
    """Fields: detail."""

    message = "{detail}; use a new key"


class NotPublishedError(InputError):
    """Fields: name, detail."""

    message = "{name}: {detail}"


class ModelNotServedError(NotPublishedError):
    """Fields: name, served, param."""

    message = "the model {name!r} does not exist here; {served!r} is the one that is served"


class GuardError(EagleRayError):
    """Fields: chunk_id, rule."""

    exit_code = 4
    message = "row {chunk_id} reached a result although {rule}; no answer is given"


class OverloadedError(EagleRayError):
    """Fields: waiting, retry_after_s."""

    retryable = True
    exit_code = 5
    message = "{waiting} are waiting already; try again in {retry_after_s} s"


class UnavailableError(EagleRayError):
    """Fields: part, retry_after_s."""

    retryable = True
    exit_code = 5
    message = "the {part} does not answer now; try again in {retry_after_s} s"


class QuotaError(OverloadedError):
    """Fields: what, per_s, most, left, retry_after_s."""

    message = "this caller may have {per_s} {what} a second, {most} at once; try again in {retry_after_s} s"


class BodyRoomError(OverloadedError):
    """Fields: max_bytes, retry_after_s."""

    message = (
        "there is no room for this body among the {max_bytes} bytes that those of all requests, or of all "
        "answers, may have together; "
        "try again in {retry_after_s} s"
    )


class DeadlineError(EagleRayError):
    """Fields: timeout_s."""

    retryable = True
    exit_code = 5
    message = "no answer within {timeout_s} s; ask for less at once (fewer hits or texts), or allow more time"


class UnreachableError(EagleRayError):
    """Fields: url, detail."""

    retryable = True
    exit_code = 5
    message = "no answer from {url}: {detail}"


class ServerError(EagleRayError):
    """Fields: url, detail."""

    message = "the server at {url} gave no answer that can be used: {detail}"


class ModelAnswerError(EagleRayError):
    """Fields: model, detail."""

    message = "the language model {model!r} gave no reply that can be used: {detail}"


class AuditError(EagleRayError):
    """Fields: detail."""

    retryable = True
    exit_code = 5
    message = "audit log: {detail}"
