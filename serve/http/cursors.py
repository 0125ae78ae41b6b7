"""Cursors: where the next page of a search begins, on the snapshot that answered the first one.

A cursor holds nothing that its caller does not know, and opens nothing: the page is cut from what whoever
shows it may see. It fits one question of one subject, so that no page is taken for one of another list.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Final

from eagleray.contracts.hits import Page
from eagleray.digests import canonical_json, digest_json
from eagleray.errors import InputError
from serve.http.bodies import SearchBody

_SNAPSHOT: Final = re.compile(r"[0-9a-f]{64}")
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


def find_place(body: SearchBody, *, subject: str) -> Place:
    """Return where the page begins that a body asks for.

    Raises:
        InputError: its cursor is none, or that of another question or subject.
    """
    if not body.cursor:
        return Place(snapshot=body.snapshot, page=Page(skip=0, n=body.k) if body.pages > 1 else None)
    try:
        held = json.loads(base64.urlsafe_b64decode(body.cursor.encode()))
        snapshot, skip, question = str(held["snapshot"]), int(held["skip"]), str(held["question"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise InputError(detail="cursor: expected the `next` of an answer") from error
    is_within = skip % body.k == 0 and 0 < skip < body.k * body.pages
    if question != _digest(body, subject) or not is_within or not _SNAPSHOT.fullmatch(snapshot):
        detail = "cursor: it belongs to another question, or to somebody else; ask for the first page again"
        raise InputError(detail=detail)
    return Place(snapshot=snapshot, page=Page(skip=skip, n=body.k))


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
    held = {"snapshot": snapshot, "skip": skip, "question": _digest(body, subject)}
    return base64.urlsafe_b64encode(canonical_json(held)).decode()


def _digest(body: SearchBody, subject: str) -> str:
    question = body.model_dump(mode="json", exclude=_APART)
    return digest_json({"question": question, "subject": subject})[:_DIGEST_CHARACTERS]
