"""Responses that are kept for their caller: which are, and what must still hold where one is read again.

A response is there for the caller it was made for, until it expires, and as long as they have the groups and
zones it was made with and may see, by the entitlements of now, every row that was read for it. Otherwise it
is as if there never was one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from eagleray.contracts.callers import Action, Caller
from eagleray.contracts.cited_answers import CitedAnswer
from eagleray.errors import InputError, NotPublishedError
from serve.engine.questions import SeeRows
from serve.http.openai.owned_records import UploadSite, run_own
from serve.http.openai.response_bodies import ResponseBody
from serve.http.openai.response_sites import ResponseSite, find_site
from serve.http.serving import ServedCollections
from serve.uploads.keeping import OwnRecords
from serve.uploads.records import ResponseRecord, read_clock, tell_missing
from serve.uploads.responses import ResponseLimits

_HELD: Final = ("as_of", "snapshot")
"""What the first request of a conversation says for all of it."""

_TAKEN: Final = (*_HELD, "filter")
"""What a request takes from the one before, where it says nothing of it; `file_search`, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptResponse:
    """A response that may be read again.

    Attributes:
        record: of it.
        body: what was asked.
        site: where.
    """

    record: ResponseRecord
    body: ResponseBody
    site: ResponseSite

    def list_rows(self) -> list[str]:
        """Return the ids of the chunks that were read for it, in decimal."""
        return sorted(chunk for chunks in self.record.rows.values() for chunk in chunks)

    def read(self) -> dict[str, Any]:
        """Return the response as it was answered."""
        shown: dict[str, Any] = json.loads(self.record.text)
        return shown

    def continue_with(self, body: ResponseBody) -> ResponseBody:
        """Return a request that goes on from here.

        Raises:
            InputError: it wants another time or snapshot than the conversation began with.
        """
        for name in _HELD:
            if getattr(body, name) and not _is_same(name, body, self.body):
                detail = f"{name} holds for the whole conversation; leave it out, or begin another one"
                raise InputError(detail=detail, param=name)
        missing = [name for name in _TAKEN if not getattr(body, name)]
        taken = {name: getattr(self.body, name) for name in missing}
        if body.file_search is None and self.body.file_search is not None:
            taken["tools"] = [self.body.file_search, *body.tools]
        return body.model_copy(update=taken)


class ResponseKeeper:
    """Keeps the responses of one caller."""

    def __init__(self, caller: Caller, own: OwnRecords, limits: ResponseLimits) -> None:
        self.own = own
        self._caller, self._limits = caller, limits

    @classmethod
    def open(cls, caller: Caller, collections: ServedCollections) -> Self | None:
        """Return what keeps the responses of a caller; `None` where none are kept.

        They lie beside the files of callers, whatever collection was asked.
        """
        uploads = None if collections.default is None else collections.default.uploads
        if uploads is None or not uploads.responses.most:
            return None
        return cls(caller, uploads.open_own(caller.principal.subject), uploads.responses)

    async def keep(self, body: ResponseBody, answer: CitedAnswer, shown: Mapping[str, Any]) -> None:
        """Keep a response that is about to be given.

        Args:
            body: what was asked, with what it took from the response before.
            answer: that was made.
            shown: the response.
        """
        principal, created = self._caller.principal, read_clock()
        asked = body.model_dump(mode="json", include={"model", "tools", *_TAKEN})
        record = ResponseRecord(
            response_id=shown["id"],
            created=created,
            expires=self._limits.find_end(created),
            groups=sorted(principal.groups),
            zones=None if principal.zones is None else sorted(principal.zones),
            asked={**asked, "input": answer.question},
            rows=_list_rows(answer),
            text=json.dumps(shown, allow_nan=False),
        )
        await run_own(self.own.responses.add, record, most=self._limits.most)


async def find_kept(
    response_id: str, caller: Caller, collections: ServedCollections, uploads: UploadSite
) -> KeptResponse:
    """Return a response of the caller.

    Raises:
        NotPublishedError: they have none of the id, it has expired, or it shows what they may not see now;
            the same whichever it is.
    """
    keeper = ResponseKeeper.open(caller, collections)
    if keeper is None:
        raise tell_missing(response_id)
    try:
        record = await run_own(keeper.own.responses.find, response_id)
        body = ResponseBody.model_validate(record.asked)
        kept = KeptResponse(
            record=record, body=body, site=await find_site(body, caller, collections, uploads)
        )
        await kept.site.check_there(_list_sources(kept))
        is_there = record.is_within(caller.principal) and await _is_seen(kept, caller)
    except NotPublishedError:
        is_there = False
    if not is_there:
        raise tell_missing(response_id)
    return kept


async def _is_seen(kept: KeptResponse, caller: Caller) -> bool:
    """Return whether the caller may see now what was read, as of the time that was asked or when it was."""
    record, site, asked = kept.record, kept.site, kept.site.request.search
    if not record.rows:
        return True
    named = None
    if kept.body.snapshot:
        may_examine = caller.may(Action.EXAMINE)
        named = await site.collection.publications.find(kept.body.snapshot, may_examine=may_examine)
    see = SeeRows(
        rows={doc_id: frozenset(map(int, chunks)) for doc_id, chunks in record.rows.items()},
        times=(None, record.created) if asked.as_of is None else (asked.as_of,),
        principal=asked.principal,
    )
    return await site.collection.answerer.answer(see, snapshot=named)


def _list_sources(kept: KeptResponse) -> set[str]:
    return {citation["source"] for citation in kept.read()["eagleray"]["citations"]}


def _list_rows(answer: CitedAnswer) -> dict[str, list[str]]:
    """Return which rows an answer shows or was made of: doc_id -> ids of chunks, in decimal."""
    rows: dict[str, set[str]] = defaultdict(set)
    for hit in answer.retrieved.hits:
        rows[hit.doc_id].add(str(hit.chunk_id))
    for citation in answer.citations:
        rows[citation.doc_id].add(str(citation.chunk_id))
    return {doc_id: sorted(chunks) for doc_id, chunks in sorted(rows.items())}


def _is_same(name: str, body: ResponseBody, earlier: ResponseBody) -> bool:
    if name == "as_of":
        return body.read_as_of() == earlier.read_as_of()
    return bool(getattr(body, name) == getattr(earlier, name))
