"""What is wrong with an answer, and the words of hidden rows that stand in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from benchmarks.differential_world import Row
from benchmarks.http_client import Answer
from benchmarks.http_rulings import Rulings
from benchmarks.http_world import CANARY, HttpWorld, is_readable, name_canary
from eagleray.contracts.times import OPEN_END

if TYPE_CHECKING:
    from benchmarks.http_pages import PageAsked
    from benchmarks.http_searches import SearchAsked


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an answer shows that it must not (`leak`), or is otherwise wrong (`difference`)."""

    leak: str = ""
    difference: str = ""


SOUND: Final = Verdict()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """A response that a server keeps for its caller.

    Attributes:
        subject: of the caller.
        snapshot: that was named; empty for the alias's.
        search: that was made for it.
        rows: ids of the chunks that it shows.
    """

    response_id: str
    subject: str
    snapshot: str
    search: SearchAsked
    rows: frozenset[int]


@dataclass(slots=True, kw_only=True)
class Scene:
    """What is served, and what was learnt of it.

    Attributes:
        subjects: names of the callers.
        missing: answer to a document that is nowhere, without its name and the request's.
        asked: searches that were drawn before, to be asked again by others.
        pages: pages that may be asked for, by who asked for the one before.
        rulings: what stood when.
        kept: responses that are kept, by their ids.
    """

    world: HttpWorld
    subjects: set[str] = field(default_factory=set)
    missing: Any = None
    asked: list[SearchAsked] = field(default_factory=list)
    pages: list[PageAsked] = field(default_factory=list)
    rulings: Rulings = field(default_factory=Rulings)
    kept: dict[str, KeptAnswer] = field(default_factory=dict)


def find_stray_canaries(scene: Scene, search: SearchAsked | None, answer: Answer) -> list[str]:
    """Return the canaries in an answer of rows that do not answer it; the question's own are passed over."""
    found = set(CANARY.findall(answer.head + answer.body))
    if not found:
        return []
    if search is None or answer.status != 200:
        return sorted(word.decode() for word in found)
    state = scene.world.states.get(answer.read()["snapshot"])
    rows = state.rows if state else {}
    found -= set(CANARY.findall(search.request.query.encode()))
    visible = {name_canary(row).encode() for row in rows.values() if is_visible(row, search)}
    return sorted(word.decode() for word in found - visible)


def is_visible(row: Row, search: SearchAsked) -> bool:
    """Return whether a search's caller may see a row at its time."""
    as_of, principal = search.request.as_of, search.request.principal
    is_known = row.known_to == OPEN_END if as_of is None else row.known_from <= as_of < row.known_to
    return is_known and is_readable(row, principal.groups, principal.zones)
