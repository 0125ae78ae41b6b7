"""`--url` of `eagleray search`, `ask` and `evaluate`: questions go to a server, in the place of a store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from eagleray.client import connect
from eagleray.client.cited_questions import CitedQuestion
from eagleray.client.questions import Question
from eagleray.client.remote import RemoteCollection
from eagleray.contracts.cited_answers import CitedAnswer
from eagleray.contracts.evaluations import AnswerConfiguration, AskConfigured, PosedQuestion
from eagleray.contracts.hits import SearchResponse
from eagleray.contracts.search_options import pick_options
from eagleray.errors import InputError

DEFAULT_ALIAS: Final = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Options that say which server is asked, and with which key.

    Attributes:
        url: of the server; empty where a store is searched.
        api_key_file: that holds the key; empty takes `EAGLERAY_API_KEY`.
        allow_http: whether the key may go over plain HTTP to another machine.
    """

    url: str
    api_key_file: str
    allow_http: bool

    def check(self, *, store: str, groups: list[str]) -> None:
        """Refuse options that do not go together.

        Raises:
            InputError: says which.
        """
        if not self.url:
            given = "--api-key-file" if self.api_key_file else "--allow-http" if self.allow_http else ""
            if given:
                raise InputError(detail=f"{given} is for a server: give --url, too")
        elif store:
            raise InputError(detail="--url names a server and --store a store: give one of the two")
        elif groups:
            raise InputError(
                detail="--group cannot be used with --url: a server takes the caller's groups from the key"
            )


def ask_server(
    question: Question, *, server: ServerOptions, collection: str, snapshot: str
) -> SearchResponse:
    """Return a server's hits.

    Args:
        question: what is searched for.
        server: which one, and with which key.
        collection: name of the collection; empty takes the setting.
        snapshot: whole id, or `live` for the one that is served.

    Raises:
        InputError: an option cannot be used with a server.
        EagleRayError: as `eagleray.connect` and the client's `search`.
    """
    pinned = replace(question, snapshot=_read_snapshot(snapshot))
    with open_client(server, collection=collection) as client:
        return client.search_question(pinned)


def ask_server_for_answer(
    asked: CitedQuestion, *, server: ServerOptions, collection: str, snapshot: str
) -> CitedAnswer:
    """Return a server's answer with citations; arguments and errors as of `ask_server`."""
    pinned = replace(asked, question=replace(asked.question, snapshot=_read_snapshot(snapshot)))
    with open_client(server, collection=collection) as client:
        return client.answer_question(pinned)


@contextmanager
def make_server_asker(server: ServerOptions, *, collection: str) -> Iterator[AskConfigured]:
    """Give what asks a server labelled questions, over one client.

    Raises:
        InputError: the address or the key cannot be used.
    """
    with open_client(server, collection=collection) as client:

        def ask(posed: PosedQuestion, configuration: AnswerConfiguration) -> CitedAnswer:
            if posed.groups:
                raise InputError(detail="a server takes the caller's groups from the key, not from labels")
            question = Question(
                query=posed.text,
                as_of=posed.as_of,
                filter=posed.filter,
                snapshot=_read_snapshot(configuration.snapshot),
                **pick_options(configuration.options),
            )
            return client.answer_question(
                CitedQuestion(
                    question=question,
                    pipeline=configuration.pipeline,
                    max_citations=configuration.max_citations,
                )
            )

        yield ask


def _read_snapshot(snapshot: str) -> str:
    """Return the id that a server is asked for; empty for what it serves."""
    if snapshot == DEFAULT_ALIAS:
        return ""
    if not re.fullmatch(r"[0-9a-f]{64}", snapshot):
        raise InputError(
            detail=f"--snapshot {snapshot!r}: with --url expected the whole id, 64 hex digits; "
            "the server itself follows an alias"
        )
    return snapshot


def open_client(server: ServerOptions, *, collection: str) -> RemoteCollection:
    """Return the client of a server's collection, to be closed.

    Args:
        server: which one, and with which key.
        collection: name of the collection; empty takes the setting.

    Raises:
        InputError: the address or the key cannot be used.
    """
    key = _read_key(server.api_key_file) if server.api_key_file else ""
    return connect(server.url, collection=collection, api_key=key, allow_http=server.allow_http)


def _read_key(path: str) -> str:
    """Return the key that a file holds, without the line's end.

    Raises:
        InputError: the file cannot be read or holds nothing; never shows what it holds.
    """
    try:
        key = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InputError(detail=f"API key file {path}: {reason}") from None
    if not key:
        raise InputError(detail=f"API key file {path}: expected a key, found nothing")
    return key
