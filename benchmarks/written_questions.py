"""Questions about what was written and uploaded, judged by who may find which words."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx

from benchmarks.http_world import COLLECTION, HttpWorld, is_readable, name_canary
from benchmarks.written_changes import Wire
from benchmarks.written_desk import YEAR, Desk, Person
from eagleray.contracts.times import OPEN_END
from indexes.storage import open_store
from serve.uploads.keeping import OwnRecords

_CANARY: Final = re.compile(r"z[qw]\d{8}x")
_MOST: Final = 200
_NOWHERE: Final = "0123456789abcdef0123456789abcdef"
_SEARCH: Final = f"/collections/{COLLECTION}/search"
_DOCUMENTS: Final = f"/collections/{COLLECTION}/documents"


class Questions:
    """Asks as people of the desk."""

    def __init__(self, world: HttpWorld, desk: Desk, wire: Wire, drawn: random.Random) -> None:
        self._desk, self._wire, self._drawn = desk, wire, drawn
        (state,) = world.states.values()
        self._old = [row for row in state.rows.values() if row.known_to == OPEN_END]
        self._kinds: list[Callable[[Person], Awaitable[None]]] = [
            self._ask_word,
            self._ask_batch,
            self._ask_counts,
            self._ask_document,
            self._ask_store,
            self._ask_file,
            self._ask_lists,
        ]

    async def ask_any(self) -> None:
        """Ask one question of one person while nothing changes, and judge its answer."""
        await self._drawn.choice(self._kinds)(self._drawn.choice(self._desk.people))

    async def ask_meanwhile(self) -> tuple[Person, set[str]]:
        """Ask while things change, and return who asked, and the words that were found."""
        person = self._drawn.choice(self._desk.people)
        body = {"query": "swap repo note", "k": _MOST, "mode": self._draw_mode()}
        answer = await self._wire.send(person, "POST", _SEARCH, route="meanwhile", json=body)
        return person, _find_words(answer)

    def judge_meanwhile(self, person: Person, found: set[str]) -> None:
        """Tell of words that they could read at no moment of the round."""
        recent = {paper.canary for paper in self._desk.recent if person.may_read(paper)}
        self._tell_stray(person, "search meanwhile", found - recent - self._find_readable(person))

    async def _ask_word(self, person: Person) -> None:
        """Search for a word: of a document of the desk, of one that is gone, or of a file."""
        word = self._draw_word()
        is_lexical = self._drawn.random() < 0.5
        body = {"query": word, "k": _MOST, "mode": "lexical" if is_lexical else self._draw_mode()}
        answer = await self._wire.send(person, "POST", _SEARCH, route="search", json=body)
        self._judge_hits(person, word, answer.json()["hits"], is_lexical=is_lexical)

    async def _ask_batch(self, person: Person) -> None:
        words = [self._draw_word() for _ in range(3)]
        questions = [{"query": word, "k": _MOST, "mode": "lexical"} for word in words]
        body = {"questions": questions}
        answer = await self._wire.send(person, "POST", f"{_SEARCH}/batch", route="batch", json=body)
        for word, told in zip(words, answer.json()["answers"], strict=True):
            self._judge_hits(person, word, told["hits"], is_lexical=True)

    def _judge_hits(self, person: Person, word: str, hits: list[Any], *, is_lexical: bool) -> None:
        found = set(_CANARY.findall(json.dumps(hits)))
        self._tell_stray(person, f"search {word}", found - self._find_readable(person))
        paper = self._desk.find_papers(person).get(word)
        expected = {paper.doc_id} if paper else set()
        if is_lexical and {hit["doc_id"] for hit in hits} != expected:
            kind = "differences" if paper else "leaks"
            self._wire.tell(kind, f"search {word}: {[hit['doc_id'] for hit in hits]}, not {expected}", person)

    async def _ask_counts(self, person: Person) -> None:
        body = {"column": "note", "n": _MOST, "filter": f"year = {YEAR}"}
        path = f"/collections/{COLLECTION}/facets"
        answer = await self._wire.send(person, "POST", path, route="counts", json=body)
        self._judge_counts(person, answer)

    def _judge_counts(self, person: Person, answer: httpx.Response) -> None:
        expected = dict.fromkeys(self._desk.find_papers(person), 1)
        is_unknown = answer.status_code == 400 and not self._desk.papers  # no row has the attribute yet
        found = {} if is_unknown else {one["value"]: one["documents"] for one in answer.json()["values"]}
        self._tell_stray(person, "counts", found.keys() - expected.keys())
        if found != expected:
            self._wire.tell("differences", f"counts {found}, not {expected}", person)

    async def _ask_document(self, person: Person) -> None:
        """Ask for a document, or for others like it: of the desk, of a file, or of nobody."""
        wanted, is_like = self._draw_document(), self._drawn.random() < 0.3
        paper = self._desk.papers.get(wanted)
        may = paper is not None and person.may_read(paper)
        answer = await self._look(person, wanted, is_like=is_like)
        if answer.status_code != (200 if may else 404):
            kind = "differences" if may else "leaks"
            self._wire.tell(kind, f"document {wanted}: {answer.status_code}", person)
        elif may:
            self._tell_stray(person, "document", _find_words(answer) - self._find_readable(person))
        else:
            missing = await self._look(person, "nowhere", is_like=is_like)
            self._compare_missing(person, answer, wanted, missing, "nowhere")

    async def _look(self, person: Person, wanted: str, *, is_like: bool) -> httpx.Response:
        if is_like:
            return await self._wire.send(
                person, "POST", _SEARCH, route="like", json={"like": wanted, "k": _MOST}
            )
        return await self._wire.send(person, "GET", _DOCUMENTS, route="document", params={"doc_id": wanted})

    async def _ask_store(self, person: Person) -> None:
        """Search a vector store of one's own, or of somebody else."""
        owner = self._drawn.choice(self._desk.authors)
        if self._drawn.random() < 0.5 and person.stores:
            owner = person
        store = self._drawn.choice(sorted(owner.stores))
        path = "/v1/vector_stores/{}/search"
        body = {"query": self._draw_word(), "max_num_results": 50}
        answer = await self._wire.send(person, "POST", path.format(store), route="store search", json=body)
        if owner is not person:
            missing = await self._wire.send(
                person, "POST", path.format(f"vs_{_NOWHERE}"), route="store search", json=body
            )
            self._compare_missing(person, answer, store, missing, f"vs_{_NOWHERE}")
            return
        expected = {(name, person.files[name]) for name in person.stores[store]}
        found = {
            (hit["file_id"], word)
            for hit in answer.json()["data"]
            for word in _CANARY.findall(hit["content"][0]["text"])
        }
        self._tell_stray(person, "store search", {word for _, word in found - expected})
        if found != expected:
            self._wire.tell("differences", f"store search {sorted(found)}, not {sorted(expected)}", person)

    async def _ask_file(self, person: Person) -> None:
        """Read a file of somebody, or show it."""
        owner = self._drawn.choice(self._desk.authors)
        if not owner.files:
            return
        name, end = self._drawn.choice(sorted(owner.files)), self._drawn.choice(["", "/content"])
        answer = await self._wire.send(person, "GET", f"/v1/files/{name}{end}", route="file")
        if owner is person:
            if answer.status_code != 200 or owner.files[name] not in answer.text:
                self._wire.tell("differences", f"file {name}: {answer.status_code}", person)
            return
        nowhere = f"file-{_NOWHERE}"
        missing = await self._wire.send(person, "GET", f"/v1/files/{nowhere}{end}", route="file")
        self._compare_missing(person, answer, name, missing, nowhere)

    async def _ask_lists(self, person: Person) -> None:
        for path, own in (("/v1/files", person.files), ("/v1/vector_stores", person.stores)):
            answer = await self._wire.send(person, "GET", path, route="lists", params={"limit": 100})
            found = {one["id"] for one in answer.json()["data"]}
            self._tell_stray(person, path, found - own.keys())
            if found != own.keys():
                self._wire.tell("differences", f"{path} lists {sorted(found)}", person)

    def _compare_missing(
        self, person: Person, answer: httpx.Response, name: str, missing: httpx.Response, nowhere: str
    ) -> None:
        """Tell of an answer to what is hidden that is not the one to what is nowhere."""
        shown = [_strip(one, of) for one, of in ((answer, name), (missing, nowhere))]
        if answer.status_code != 404 or shown[0] != shown[1]:
            self._wire.tell("leaks", f"hidden and missing differ: {answer.status_code} {shown}", person)

    def _tell_stray(self, person: Person, what: str, words: set[str]) -> None:
        if words:
            self._wire.tell("leaks", f"{what} shows {sorted(words)}", person)

    def _find_readable(self, person: Person) -> set[str]:
        old = {name_canary(row) for row in self._old if is_readable(row, person.groups, person.zones)}
        return old | self._desk.find_papers(person).keys()

    def _draw_mode(self) -> str:
        return self._drawn.choice(["hybrid", "dense", "lexical"])

    def _draw_word(self) -> str:
        papers = [paper.canary for paper in self._desk.papers.values()]
        files = [canary for author in self._desk.authors for canary in author.files.values()]
        return self._drawn.choice([*papers, *files, *(f"zw{self._drawn.randrange(1, 99):08d}x",) * 5])

    def _draw_document(self) -> str:
        owner = self._drawn.choice(self._desk.authors)
        own = OwnRecords(open_store(self._desk.settings.store), COLLECTION, subject=owner.subject)
        of_files = [name for item in own.attachments.list_attempts() for name in item.doc_ids]
        return self._drawn.choice([*self._desk.papers, *sorted(of_files), "paper0"])


def _find_words(answer: httpx.Response) -> set[str]:
    return set(_CANARY.findall(answer.text))


def _strip(answer: httpx.Response, name: str) -> tuple[Any, list[str]]:
    """Return an answer without a name and without what each request has of its own."""
    body = json.loads(answer.text.replace(name, "NAME"))
    body.pop("request_id", None)
    own = {"date", "x-request-id", "content-length"}
    return body, sorted(f"{key}: {value}" for key, value in answer.headers.items() if key not in own)
