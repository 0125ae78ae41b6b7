"""One round of changes to a served world: documents by a feed, files by their authors, all at once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import Any, Final

import httpx

from benchmarks.http_world import COLLECTION
from benchmarks.written_desk import Desk, Paper, Person

_DOCUMENTS: Final = f"/collections/{COLLECTION}/documents"
_MOST_STORES: Final = 3
_MOST_FILES: Final = 3


class Wire:
    """Sends people's requests, and counts them and what is wrong with their answers."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.counts: Counter[str] = Counter()
        self.told: list[str] = []
        self._http = http

    async def send(
        self, person: Person, method: str, path: str, *, route: str, key: str = "", **more: Any
    ) -> httpx.Response:
        """Send a request; `key` makes it one that is carried out once."""
        headers = {"authorization": f"Bearer {person.key}"} | ({"idempotency-key": key} if key else {})
        answer = await self._http.request(method, path, headers=headers, **more)
        self.counts.update(["requests", f"status {answer.status_code}", f"route {route}"])
        return answer

    async def change(self, person: Person, method: str, path: str, **more: Any) -> Any:
        """Send a request that must be carried out, and return its answer; `None` where it was not."""
        answer = await self.send(person, method, path, **more)
        if answer.status_code == 200:
            return answer.json()
        self.tell("differences", f"{method} {path}: {answer.status_code} {answer.text[:300]}", person)
        return None

    def tell(self, kind: str, what: str, person: Person) -> None:
        """Count a leak or a difference, and keep what it is."""
        self.counts[kind] += 1
        self.told.append(f"{kind.upper()} {what} by {person.subject}")


async def change_all(desk: Desk, wire: Wire, drawn: random.Random) -> None:
    """Carry out a round; the desk holds afterwards what stands."""
    papers = desk.draw_papers()
    desk.recent = [*desk.papers.values(), *papers]
    await asyncio.gather(
        _change_papers(desk, papers, wire, drawn),
        *(_change_files(desk, one, wire, drawn) for one in desk.authors),
    )


async def _change_papers(desk: Desk, papers: list[Paper], wire: Wire, drawn: random.Random) -> None:
    body = {"documents": [paper.to_body(drawn) for paper in papers]}
    if await wire.change(desk.feed, "POST", _DOCUMENTS, route="write", key=papers[0].canary, json=body):
        desk.papers |= {paper.doc_id: paper for paper in papers}
    await _write_nothing_new(desk, papers[0].to_body(drawn), wire)
    if desk.papers and drawn.random() < 0.5:
        gone = drawn.choice(sorted(desk.papers))
        if await wire.change(desk.feed, "DELETE", _DOCUMENTS, route="remove", params={"doc_id": gone}):
            del desk.papers[gone]


async def _write_nothing_new(desk: Desk, body: dict[str, Any], wire: Wire) -> None:
    """Write what stands there already, and remove what is not there: the answers must tell neither."""
    again = {"documents": [{**body, "doc_id": "again", "groups": ["nobody"]}]}
    named = []
    for _ in range(2):
        if told := await wire.change(desk.feed, "POST", _DOCUMENTS, route="write again", json=again):
            named.append(told["snapshot"])
    nowhere = {"doc_id": "nowhere"}
    for _ in range(2):
        if told := await wire.change(desk.feed, "DELETE", _DOCUMENTS, route="remove nothing", params=nowhere):
            named.append(told["snapshot"])
    if len(set(named)) < len(named):
        wire.tell("leaks", "a write that changes nothing is answered with an older snapshot", desk.feed)


async def _change_files(desk: Desk, author: Person, wire: Wire, drawn: random.Random) -> None:
    """Upload into one of the author's vector stores, and sometimes take a file away."""
    if not author.stores or (len(author.stores) < _MOST_STORES and drawn.random() < 0.2):
        made = await wire.change(author, "POST", "/v1/vector_stores", route="make store", json={"name": "d"})
        author.stores[made["id"]] = set()
    store, canary = drawn.choice(sorted(author.stores)), desk.make_canary()
    content = {"file": (f"{canary}.txt", f"A note on {canary}.".encode())}
    form = {"purpose": "assistants"}
    sent = await wire.change(author, "POST", "/v1/files", route="upload", files=content, data=form)
    author.files[sent["id"]] = canary
    within = f"/v1/vector_stores/{store}/files"
    if await wire.change(author, "POST", within, route="attach", json={"file_id": sent["id"]}):
        author.stores[store].add(sent["id"])
    if len(author.stores[store]) > _MOST_FILES or drawn.random() < 0.3:
        gone = drawn.choice(sorted(author.stores[store]))
        await _take_away(author, wire, within, gone, is_detached=drawn.random() < 0.5)


async def _take_away(author: Person, wire: Wire, within: str, gone: str, *, is_detached: bool) -> None:
    """Detach a file from a vector store, or delete it."""
    if is_detached:
        if await wire.change(author, "DELETE", f"{within}/{gone}", route="detach"):
            author.stores[within.split("/")[3]].discard(gone)
        return
    if await wire.change(author, "DELETE", f"/v1/files/{gone}", route="delete file"):
        del author.files[gone]
        for held in author.stores.values():
            held.discard(gone)
