"""What is written through the API and uploaded, as plain values, and who may find which words of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.differential_world import GROUPS, WORDS, ZONES
from eagleray.contracts.callers import Role
from eagleray.contracts.services import KeyRequest
from eagleray.settings import Settings
from serve.identity.key_service import StoredKeyService

YEAR: Final = 1999
"""Attribute of every written document, and of no other row."""

_N_READERS: Final = 6
_N_AUTHORS: Final = 4
_MOST_OPEN: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A document as it was written last; only its text and an attribute hold its canary."""

    doc_id: str
    canary: str
    groups: frozenset[str]
    zone: str

    def to_body(self, drawn: random.Random) -> dict[str, Any]:
        """Return it as a request carries it."""
        words = drawn.choices(WORDS, k=drawn.randrange(2, 20))
        return {
            "doc_id": self.doc_id,
            "text": " ".join([*words, self.canary]),
            "groups": sorted(self.groups),
            "zone": self.zone,
            "attributes": {"note": self.canary, "year": YEAR},
        }


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody with a key; who may write has files and vector stores.

    Attributes:
        files: id -> canary of its text.
        stores: id -> ids of the files in it.
    """

    subject: str
    groups: frozenset[str]
    zones: frozenset[str] | None
    key: str
    is_author: bool
    files: dict[str, str] = field(default_factory=dict)
    stores: dict[str, set[str]] = field(default_factory=dict)

    def may_read(self, paper: Paper) -> bool:
        """Return whether groups and zones let them read a document."""
        is_member = not paper.groups or bool(paper.groups & self.groups)
        return is_member and (self.zones is None or paper.zone in self.zones)


class Desk:
    """Everybody, and all that stands now.

    Attributes:
        papers: doc_id -> document.
        recent: documents that stood in the last round, for a moment at least.
        settings: of the collection.
    """

    def __init__(self, settings: Settings, drawn: random.Random) -> None:
        self.settings, self._drawn, self._n_canaries = settings, drawn, 0
        self.papers: dict[str, Paper] = {}
        self.recent: list[Paper] = []
        feed = {Role.WRITER, Role.READER}
        self.feed = self._make("feed", feed, groups=frozenset(), zones=None)
        self.people = [
            self._make(
                f"person-{number}",
                feed if number < _N_AUTHORS else {Role.READER},
                groups=frozenset(drawn.sample(GROUPS, drawn.randrange(4))),
                zones=drawn.choice([None, frozenset(ZONES), frozenset(ZONES[:1]), frozenset(ZONES[1:])]),
            )
            for number in range(_N_AUTHORS + _N_READERS)
        ]

    @property
    def authors(self) -> list[Person]:
        """Those who have files."""
        return [person for person in self.people if person.is_author]

    def draw_papers(self) -> list[Paper]:
        """Draw documents to write together: new ones, and other versions with other readers."""
        drawn, papers = self._drawn, {}
        for _ in range(drawn.randrange(1, 5)):
            is_again = bool(self.papers) and (drawn.random() < 0.4 or len(self.papers) >= _MOST_OPEN)
            name = drawn.choice(list(self.papers)) if is_again else f"paper{drawn.randrange(10**6)}"
            papers[name] = Paper(
                doc_id=name,
                canary=self.make_canary(),
                groups=frozenset(drawn.sample(GROUPS, drawn.randrange(3))),
                zone=drawn.choice(ZONES),
            )
        return list(papers.values())

    def make_canary(self) -> str:
        """Return a word that stands nowhere yet."""
        self._n_canaries += 1
        return f"zw{self._n_canaries:08d}x"

    def find_papers(self, person: Person) -> dict[str, Paper]:
        """Return the documents that somebody may read, by their canaries."""
        return {paper.canary: paper for paper in self.papers.values() if person.may_read(paper)}

    def _make(
        self, subject: str, roles: set[Role], *, groups: frozenset[str], zones: frozenset[str] | None
    ) -> Person:
        wanted = KeyRequest(subject=subject, roles=frozenset(roles), groups=groups, zones=zones)
        key = StoredKeyService(self.settings).create(wanted)["key"]
        return Person(subject=subject, groups=groups, zones=zones, key=key, is_author=Role.WRITER in roles)
