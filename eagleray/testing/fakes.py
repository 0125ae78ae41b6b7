"""Parts without a disk, a model or a server, each held to the contract of the part it stands for."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eagleray.contracts.callers import Authentication, Caller, Role
from eagleray.contracts.chat_models import ChatDelta, ChatPart, ChatReply, ChatRequest, FinishReason
from eagleray.contracts.cited_answers import TokenUsage
from eagleray.contracts.object_names import check_name
from eagleray.contracts.ports import OnUnlisted, RerankerIdentity, ScoreVector, StoredObject
from eagleray.contracts.principals import Principal
from eagleray.errors import ObjectNotFoundError


class ManualClock:
    """A clock that stands still until it is moved; call it for the time."""

    def __init__(self, now_s: float = 0.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds


class MemoryStore:
    """Objects in the memory of this process; a pickled copy holds what there was and goes its own way."""

    def __init__(self, name: str = "") -> None:
        self._url = f"memory://{name or uuid.uuid4().hex}"
        self._objects: dict[str, tuple[bytes, int]] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """`memory://` and a name; no other process can open it."""
        return self._url

    def read(self, path: str) -> bytes:
        """Return the whole object."""
        found = self._objects.get(check_name(path))
        if found is None:
            raise ObjectNotFoundError(path=f"{self._url}/{path}", detail="there is no such object")
        return found[0]

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """Return bytes `start` to `end`, exclusive."""
        return self.read(path)[start:end]

    def write(self, path: str, data: bytes) -> None:
        """Write the object."""
        with self._lock:
            self._put(path, data)

    def create(self, path: str, data: bytes) -> bool:
        """Write the object unless there is one; return whether this call made it."""
        with self._lock:
            is_new = check_name(path) not in self._objects
            if is_new:
                self._put(path, data)
            return is_new

    def exists(self, path: str) -> bool:
        """Return whether there is such an object."""
        return check_name(path) in self._objects

    def list(
        self,
        prefix: str,
        *,
        on_unlisted: OnUnlisted | None = None,  # noqa: ARG002 - every object here has a name
    ) -> Iterator[StoredObject]:
        """Yield the objects below a folder, in the order of their names."""
        folder = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        with self._lock:
            found = sorted(item for item in self._objects.items() if item[0].startswith(folder))
        for path, (data, modified) in found:
            tag = hashlib.sha256(data).hexdigest()
            yield StoredObject(path=path, size_bytes=len(data), modified=modified, tag=tag)

    def upload(self, local: Path, path: str) -> None:
        """Write a local file as an object."""
        self.write(path, local.read_bytes())

    def download(self, path: str, local: Path) -> None:
        """Write an object to a local file."""
        local.write_bytes(self.read(path))

    def list_folders(self) -> tuple[str, ...]:
        """Return the names of the folders at the top of the store, sorted."""
        with self._lock:
            return tuple(sorted({path.partition("/")[0] for path in self._objects if "/" in path}))

    def find_local(self, path: str) -> Path | None:
        """Return `None`: no file stands behind an object."""
        check_name(path)
        return None

    def delete(self, path: str) -> None:
        """Remove the object if it is there."""
        with self._lock:
            self._objects.pop(check_name(path), None)

    def _put(self, path: str, data: bytes) -> None:
        self._objects[check_name(path)] = (bytes(data), time.time_ns() // 1000)

    def __reduce__(self) -> tuple[Callable[..., MemoryStore], tuple[Any, ...]]:
        return _restore, (self._url.removeprefix("memory://"), dict(self._objects))


def _restore(name: str, objects: dict[str, tuple[bytes, int]]) -> MemoryStore:
    store = MemoryStore(name)
    store._objects.update(objects)
    return store


class OverlapReranker:
    """Scores by the share of the question's words that a passage has.

    Attributes:
        seen: all it was given: questions, each with its passages.
    """

    def __init__(self) -> None:
        self.seen: list[tuple[str, list[str]]] = []

    @property
    def identity(self) -> RerankerIdentity:
        """A name, and the digest of no model."""
        return RerankerIdentity(name="overlap", digest="0" * 64)

    def score(self, query: str, passages: Sequence[str]) -> ScoreVector:
        """Return float32 [len(passages)], from 0 to 1."""
        self.seen.append((query, [*passages]))
        words = set(query.lower().split())
        shares = [len(words & set(passage.lower().split())) / max(len(words), 1) for passage in passages]
        return np.array(shares, dtype=np.float32)


class RepeatingChatModel:
    """Repeats the last message word by word; with a schema, an object that has it as every property.

    Attributes:
        seen: all it was asked.
        n_cancelled: replies that were ended before their end.
    """

    def __init__(self) -> None:
        self.seen: list[ChatRequest] = []
        self.n_cancelled = 0

    @property
    def name(self) -> str:
        """Of no model."""
        return "repeating"

    async def stream(self, request: ChatRequest) -> AsyncGenerator[ChatPart, None]:
        """Yield the words, at most as many as the limit allows; an object is never cut."""
        self.seen.append(request)
        text, n_words = request.messages[-1].text, request.limits.max_tokens
        if request.schema is not None:
            text = json.dumps(dict.fromkeys(request.schema.get("properties", {}), text))
        words = text.split() if request.schema is None else [text]
        given = [f" {word}" if place else word for place, word in enumerate(words[:n_words])]
        is_over = False
        try:
            for word in given:
                await asyncio.sleep(0)
                yield ChatDelta(text=word)
            is_over = True
        finally:
            self.n_cancelled += not is_over
        yield ChatReply(
            text="".join(given),
            tool_calls=(),
            finish=FinishReason.STOP if len(given) == len(words) else FinishReason.LENGTH,
            usage=TokenUsage(
                n_prompt=sum(len(item.text.split()) for item in request.messages), n_completion=len(given)
            ),
        )


def make_caller(
    subject: str = "somebody",
    *,
    roles: Iterable[Role] = (Role.READER,),
    groups: Iterable[str] = (),
    zones: Iterable[str] | None = None,
) -> Caller:
    """Return a caller who is known by an API key.

    Args:
        subject: who asks.
        roles: what they may do.
        groups: whose rows they may read, besides those of nobody in particular.
        zones: they may read; `None` for every zone.
    """
    principal = Principal(
        subject=subject, groups=frozenset(groups), zones=None if zones is None else frozenset(zones)
    )
    return Caller(principal=principal, roles=frozenset(roles), authentication=Authentication.API_KEY)
