"""Requests that carry a hostile text, sent at lengths that double: what doubling costs the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.process_cost import ProcessTree

_FIRST: Final = 1_024
_MOST: Final = 1 << 20
_LONG_S: Final = 5.0
_FLOOR_S: Final = 0.06
"""Processor time below which the growth of one doubling is the clock's noise and the request's own cost."""

_TRIES: Final = 3

Make = Callable[[str], tuple[str, Any]]
"""Returns path and JSON body of a request that carries a text."""


def make_targets(collection: str) -> Mapping[str, Make]:
    """Return what takes a caller's text, by name."""
    base = f"/collections/{collection}"

    def search(**body: Any) -> tuple[str, Any]:
        return f"{base}/search", {"query": "bond", "mode": "lexical", **body}

    return {
        "question": lambda text: search(query=text),
        "hybrid question": lambda text: search(query=text, mode="hybrid"),
        "filter": lambda text: search(filter=text),
        "filter value": lambda text: search(filter={"title": text}),
        "filter matches": lambda text: search(filter={"text": {"matches": text}}),
        "filter matches title": lambda text: search(filter={"title": {"matches": text}}),
        "facet": lambda text: (f"{base}/facets", {"column": text}),
        "like": lambda text: (f"{base}/search", {"like": text}),
        "time": lambda text: search(as_of=text),
        "snapshot": lambda text: search(snapshot=text),
        "cursor": lambda text: search(cursor=text),
        "batch": lambda text: (f"{base}/search/batch", {"questions": [{"query": text}] * 4}),
        "embed": lambda text: ("/embed", {"inputs": text, "truncate": True}),
        "tokenize": lambda text: ("/tokenize", {"inputs": text}),
        "embeddings": lambda text: ("/v1/embeddings", {"model": "hashing", "input": text}),
        "document": lambda text: (f"{base}/documents", {"documents": [{"doc_id": "hostile", "text": text}]}),
        "title": lambda text: (
            f"{base}/documents",
            {"documents": [{"doc_id": "hostile", "title": text, "text": "a"}]},
        ),
        "attribute": lambda text: (
            f"{base}/documents",
            {"documents": [{"doc_id": "hostile", "text": "a", "attributes": {"x": text}}]},
        ),
        "name of an attribute": lambda text: (
            f"{base}/documents",
            {"documents": [{"doc_id": "hostile", "text": "a", "attributes": {text: 1}}]},
        ),
        "array": lambda text: (f"{base}/search", [0] * len(text)),
        "nested": lambda text: (f"{base}/search", _nest(min(len(text), 900))),
        "keys": lambda text: (f"{base}/search", {f"k{number}": 1 for number in range(len(text) // 8)}),
    }


def _nest(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


@dataclass(slots=True, kw_only=True)
class Costs:
    """What was seen.

    Attributes:
        n_inputs: requests that were sent.
        worst_growth: processor time of a doubled input by that of the input, at most.
        worst_name: of which input.
        longest_s: processor time of one request, at most.
        longest_name: of which input.
        failures: answers of 500 and above, and what was not answered.
    """

    n_inputs: int = 0
    worst_growth: float = 0.0
    worst_name: str = ""
    longest_s: float = 0.0
    longest_name: str = ""
    failures: list[str] = field(default_factory=list)

    def note(self, name: str, cost_s: float, *, before_s: float | None) -> None:
        """Keep what an input cost, and the one half its size."""
        if cost_s > self.longest_s:
            self.longest_s, self.longest_name = cost_s, name
        if before_s is not None and cost_s >= _FLOOR_S and cost_s / max(before_s, 1e-3) > self.worst_growth:
            self.worst_growth, self.worst_name = cost_s / max(before_s, 1e-3), name


class Meter:
    """Measures what one piece of work costs a process tree, less what it costs idle."""

    def __init__(self, tree: ProcessTree, *, idle_rate: float = 0.0) -> None:
        """Take the tree, and the share of a core that it takes when nothing is asked of it."""
        self._tree, self._idle_rate = tree, idle_rate

    def measure(self, work: Callable[[], object]) -> float:
        """Return the processor time, seconds, that the tree spent while `work` went on."""
        cpu_s, clock_s = self._tree.read_cpu_s(), time.perf_counter()
        work()
        spent_s = self._tree.read_cpu_s() - cpu_s
        return max(spent_s - self._idle_rate * (time.perf_counter() - clock_s), 1e-4)


def measure_idle_rate(tree: ProcessTree, *, seconds: float) -> float:
    """Return the share of a core that a process tree takes while nothing is asked of it."""
    before = tree.read_cpu_s()
    time.sleep(seconds)
    return (tree.read_cpu_s() - before) / seconds


def climb(
    name: str,
    work: Callable[[int], bool],
    meter: Meter,
    costs: Costs,
    *,
    first: int = _FIRST,
    most: int = _MOST,
) -> None:
    """Send an input at lengths that double, and keep what each costs.

    Args:
        name: of the input.
        work: sends it at a length; returns whether longer ones are worth sending.
        meter: measures.
        costs: keeps what was seen.
        first: shortest length, characters.
        most: longest length, characters.
    """
    sizes, spent = [first], dict[int, float]()
    while sizes[-1] <= most:
        size, goes_on = sizes[-1], [True]

        def send(size: int = size, goes_on: list[bool] = goes_on) -> None:
            goes_on[0] = work(size)

        spent[size] = meter.measure(send)
        costs.n_inputs += 1
        before_s = spent.get(size // 2)
        if before_s is not None and spent[size] >= _FLOOR_S and spent[size] > 2.0 * before_s:
            for length in (size // 2, size):
                tries = [meter.measure(lambda length=length: work(length)) for _ in range(_TRIES)]  # type: ignore[misc]
                spent[length] = min(spent[length], *tries)
                costs.n_inputs += _TRIES
        costs.note(f"{name}, {size} characters", spent[size], before_s=spent.get(size // 2))
        if not goes_on[0] or spent[size] > _LONG_S:
            return
        sizes.append(size * 2)
