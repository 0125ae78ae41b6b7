"""What makes a kind of request: how it is kept in the log, and how it is asked again.

Each kind is one module in `kinds`, and stands once in the list there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import UnionType
from typing import Any, Generic, TypeVar

from eagleray.contracts.ports import SearchEngine
from eagleray.errors import InputError
from serve.audit.entries import ReplyDetails, RequestDetails, compare_hits

AnyRequest = TypeVar("AnyRequest")
AnyReply = TypeVar("AnyReply")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayable(Generic[AnyRequest, AnyReply]):
    """How requests of a kind are asked again.

    Attributes:
        read: makes the request again of what was kept of it.
        answer: asks it of the snapshot that answered.
        compare: says how a reply differs from what was kept of the first one; empty where it does not.
        check: of requests of which some replies cannot be made again: says what of such a reply does not
            hold on a snapshot, empty where all does; `None` of a reply that can be made again. `None` where
            all can.
    """

    read: Callable[[RequestDetails], AnyRequest]
    answer: Callable[[AnyRequest, SearchEngine], AnyReply]
    compare: Callable[[ReplyDetails, ReplyDetails], str] = compare_hits
    check: Callable[[AnyRequest, ReplyDetails, SearchEngine], str | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestKind(Generic[AnyRequest, AnyReply]):
    """A kind of request.

    Attributes:
        actions: what its requests are called in the log.
        requests: their class.
        replies: class of the replies.
        describe_request: says what is kept of a request, when it begins.
        describe_reply: says what is kept of a reply when it ends, or of the part that was given; text of a
            document only where it stands among texts, which are kept by policy.
        replay: how a request is asked again; `None` where it never is.
    """

    actions: tuple[str, ...]
    requests: type[AnyRequest]
    replies: type[AnyReply] | UnionType
    describe_request: Callable[[AnyRequest], RequestDetails]
    describe_reply: Callable[[AnyReply], ReplyDetails]
    replay: Replayable[AnyRequest, AnyReply] | None = None


class RequestKinds:
    """Kinds of requests that a log knows."""

    def __init__(self, *kinds: RequestKind[Any, Any]) -> None:
        """Take the kinds.

        Raises:
            InputError: two of them have an action or a class of requests in common.
        """
        self._kinds = kinds
        self._by_class = {kind.requests: kind for kind in kinds}
        self._by_action = {action: kind for kind in kinds for action in kind.actions}
        names = [name for kind in kinds for name in (kind.requests.__qualname__, *kind.actions)]
        if len(self._by_class) + len(self._by_action) < len(names):
            twice = ", ".join(sorted({name for name in names if names.count(name) > 1}))
            detail = f"expected actions and classes of requests that no two kinds have, found twice: {twice}"
            raise InputError(detail=detail)

    @property
    def actions(self) -> tuple[str, ...]:
        """What is asked for, by all kinds."""
        return tuple(self._by_action)

    def extend(self, *more: RequestKind[Any, Any]) -> RequestKinds:
        """Return these kinds and more."""
        return RequestKinds(*self._kinds, *more)

    def find_kind(self, request: object) -> RequestKind[Any, Any]:
        """Return the kind that a request is of.

        Raises:
            TypeError: it is of none.
        """
        kind = self._by_class.get(type(request))
        if kind is None:
            raise TypeError(f"a request of class {type(request).__name__} is of no kind that is recorded")
        return kind

    def find_action(self, action: str) -> RequestKind[Any, Any] | None:
        """Return the kind whose requests are called so; `None` where none is."""
        return self._by_action.get(action)
