"""Cursors: where the next page of a search begins, on the snapshot that answered the first one.

A cursor holds nothing that its caller does not know, and opens nothing: the page is cut from what whoever
shows it may see. It fits one question of one subject, so that no page is taken for one of another list.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from eagleray.contracts.hits import Page
from eagleray.digests import canonical_json, digest_json
from eagleray.errors import InputError
from serve.http.native.search_bodies import SearchBody

_DIGEST_CHARACTERS: Final = 32
_APART: Final = {"cursor", "explain", "timeout_s"}
"""What may be another from page to page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page begins.

    Attributes:
        snapshot: id of the one that answers; empty for the alias's.
        page: of the hits; `None` where all of them are one.
    """

    snapshot: str
    page: Page | None


class _Held(BaseModel):
    """What a cursor holds, as JSON in base64."""

    model_config = ConfigDict(extra="forbid", strict=True)

    snapshot: str = Field(pattern=r"^[0-9a-f]{64}$")
    skip: int
    question: str


def find_place(body: SearchBody, *, subject: str) -> Place:
    """Return where the page begins that a body asks for.

    Raises:
        InputError: its cursor is none, or that of another question or subject.
    """
    if not body.cursor:
        return Place(snapshot=body.snapshot, page=Page(skip=0, n=body.k) if body.pages > 1 else None)
    try:
        held = _Held.model_validate_json(base64.urlsafe_b64decode(body.cursor.encode()))
    except ValueError as error:
        raise InputError(detail="cursor: expected the `next` of an answer") from error
    is_within = held.skip % body.k == 0 and 0 < held.skip < body.k * body.pages
    if held.question != _digest(body, subject) or not is_within:
        detail = "cursor: it belongs to another question, or to somebody else; ask for the first page again"
        raise InputError(detail=detail)
    return Place(snapshot=held.snapshot, page=Page(skip=held.skip, n=body.k))


def make_cursor(body: SearchBody, page: Page, *, subject: str, snapshot: str, n_hits: int) -> str | None:
    """Return where the page after an answered one begins, or `None` where there is none.

    Args:
        body: that was answered.
        page: that was answered.
        subject: who asked.
        snapshot: whole id of the one that answered.
        n_hits: of the answer.
    """
    skip = page.skip + page.n
    if n_hits < page.n or skip >= body.k * body.pages:
        return None
    held = _Held(snapshot=snapshot, skip=skip, question=_digest(body, subject))
    return base64.urlsafe_b64encode(canonical_json(held.model_dump())).decode()


def _digest(body: SearchBody, subject: str) -> str:
    question = body.model_dump(mode="json", exclude=_APART)
    return digest_json({"question": question, "subject": subject})[:_DIGEST_CHARACTERS]
