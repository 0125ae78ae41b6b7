"""A small collection, its searcher, and its rows as plain values."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from benchmarks.differential_world import World, make_world
from eagleray.contracts.hits import Ranking, SearchRequest
from eagleray.contracts.principals import Principal

EVERYBODY = Principal(subject="all", groups=frozenset({"credit", "rates", "equity", "desk ü", "public"}))


@dataclass(frozen=True)
class Asked:
    """A random collection, asked by somebody who may see all of it."""

    world: World

    def ask(self, query="", **options):
        """Return the hits of a question; options are of the request or its ranking."""
        ranking = Ranking(**{name: options.pop(name) for name in [*options] if name in Ranking.__slots__})
        if query and query not in self.world.embedder.vectors:
            self.world.embedder.draw(query)
        options.setdefault("principal", EVERYBODY)
        return self.world.searcher.search(SearchRequest(query=query, ranking=ranking, **options)).hits

    def list_open(self):
        """Return the rows that nothing has superseded."""
        return [row for row in self.world.rows if row.known_to == 2**63 - 1]


@pytest.fixture(scope="session")
def asked(tmp_path_factory):
    return Asked(make_world(97, tmp_path_factory.mktemp("asked")))
