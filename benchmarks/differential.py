"""Does any search show, count or score what it must not, or differ from brute force?

    python -m benchmarks.differential --n N --seed S [--workers W]

Random collections (rows, groups, zones, patches, segments, index kinds) are written and opened as a job
would, and asked random questions (T, caller, filter, mode, k, chunks or documents). An oracle that shares no
code with the engine looks at every plain row. A *leak* is a hit the caller may not see at that time, or
a count of rows that shows one; a *difference* is a missing or wrong hit, or a score off by more than
rounding. Where a plan is approximate, hits may be missing, which `recall` tells, but none may be wrong.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from benchmarks.differential_oracle import Expected, Oracle, name_value
from benchmarks.differential_world import (
    GROUPS,
    N_MOMENTS,
    ODD_VALUES,
    VALUES,
    WORDS,
    ZONES,
    World,
    make_world,
)
from benchmarks.reporting import show_result
from eagleray.contracts.filters import (
    And,
    Compare,
    Comparison,
    Contains,
    FilterExpression,
    IsIn,
    IsNull,
    Matches,
    Not,
    Or,
    StartsWith,
)
from eagleray.contracts.hits import (
    FacetRequest,
    Granularity,
    Ranking,
    SearchMode,
    SearchRequest,
    SearchResponse,
)
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import Principal
from eagleray.errors import FilterColumnError
from indexes.lexical.analysis import ENGLISH
from indexes.planning import plans

QUESTIONS_PER_WORLD: Final = 1_000
_FACETS: Final = ("ticker", "year", "tags", "is_open", "mixed", "when", "attributes.known_from")
_ODD_NUMBERS: Final = (0, 2**53 + 1, 1.5, 2**63, -(10**30), 9007199254740992.0, 1e300)
_ODD_LITERALS: Final = (*_ODD_NUMBERS, True, "a", "n/a", "2019-01-01", "2019-01-01T00:00:00Z", "b")
TOLERANCE: Final = 2e-6
"""How far a score may be off; for scores above 1, this share of them."""

_TERMS: Final = {word: ENGLISH.find_terms(word)[0] for word in WORDS}


def main() -> None:
    """Ask, count, and fail where anything leaked or differed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000, help="questions")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    started = time.monotonic()
    figures = run(arguments.n, seed=arguments.seed, workers=arguments.workers)
    show_result({**figures, "seed": arguments.seed, "seconds": round(time.monotonic() - started, 1)})
    sys.exit(1 if figures["leaks"] or figures["differences"] else 0)


def run(n: int, *, seed: int, workers: int = 1) -> dict[str, Any]:
    """Return how many questions were asked, and what went wrong with them."""
    sizes = [min(QUESTIONS_PER_WORLD, n - start) for start in range(0, n, QUESTIONS_PER_WORLD)]
    tasks = [(seed * 1_000_003 + number, size) for number, size in enumerate(sizes)]
    total: Counter[str] = Counter()
    if workers == 1:
        for task in tasks:
            total.update(check_world(task))
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            for done, counts in enumerate(pool.map(check_world, tasks), start=1):
                total.update(counts)
                if done % 50 == 0:
                    print(f"{done}/{len(tasks)} collections: {dict(total)}", flush=True)
    names = sorted(name for name in total if name.startswith(("plan ", "kind ")))
    return {
        "checks": total["checks"],
        "refusals": total["refusals"],
        "leaks": total["leaks"],
        "differences": total["differences"],
        "hits": total["hits"],
        "recall": round(total["found"] / total["wanted"], 4) if total["wanted"] else None,
        **{name: total[name] for name in names},
    }


def check_world(task: tuple[int, int]) -> Counter[str]:
    """Ask one collection some questions; what goes wrong is printed so that it can be asked again."""
    seed, n = task
    drawn = random.Random(seed)  # noqa: S311 - draws questions, not secrets
    counts: Counter[str] = Counter()
    _make_approximate_cheap()
    with tempfile.TemporaryDirectory(prefix="eagleray-differential-") as name:
        world = make_world(seed, Path(name))
        oracle = Oracle(world.rows)
        counts.update(f"kind {kind}" for kind in world.kinds)
        filters = [draw_filter(drawn, depth=2) for _ in range(30)]
        for number in range(n):
            request = draw_request(drawn, filters)
            world.embedder.draw(request.query)
            counts.update(check(world, oracle, request, where=f"seed {seed}, question {number}"))
    return counts


def check(world: World, oracle: Oracle, request: SearchRequest, *, where: str) -> Counter[str]:
    """Return the counts of one question."""
    if oracle.refuses(request):
        return check_refusal(world, request, where=where)
    expected = oracle.answer(request, world.embedder.vectors[request.query])
    try:
        response = world.searcher.search(request)
    except FilterColumnError as error:
        print(f"DIFFERENCE {where}: refused ({error}): {request}", flush=True)
        return Counter(checks=1, differences=1)
    counts = Counter(checks=1, hits=len(response.hits))
    counts.update(f"plan {segment.plan}" for segment in response.explanation.segments)
    leak = find_leak(response, expected) or find_counted_leak(world, oracle, request, expected)
    difference = "" if leak else find_difference(request, response, expected)
    difference = difference or find_other_attributes(world, response)
    if difference and _has_floor(request):  # a score next to the least one may fall on either side
        least = _allow(1.0, expected)
        near = [_shift_floors(request, by) for by in (-least, least)]
        answers = [oracle.answer(other, world.embedder.vectors[request.query]) for other in near]
        if any(not find_difference(request, response, answer) for answer in answers):
            difference = ""
    if leak:
        counts["leaks"] += 1
        print(f"LEAK {where}: {leak}: {request}", flush=True)
    if difference:
        counts["differences"] += 1
        print(f"DIFFERENCE {where}: {difference}: {request}", flush=True)
    if not response.explanation.is_exact:
        counts["wanted"] += len(expected.best)
        least = expected.best[-1] if expected.best else 0.0
        counts["found"] += sum(hit.score >= least - TOLERANCE for hit in response.hits)
    return counts


def check_refusal(world: World, request: SearchRequest, *, where: str) -> Counter[str]:
    """Return the counts of a question whose filter no row of its caller's fits."""
    try:
        world.searcher.search(request)
    except FilterColumnError:
        return Counter(checks=1, refusals=1)
    print(f"LEAK {where}: answered what only hidden rows fit: {request}", flush=True)
    return Counter(checks=1, leaks=1)


def find_leak(response: SearchResponse, expected: Expected) -> str:
    """Return what the answer shows of rows the caller may not see; nothing where it is sound."""
    hidden = [hit.chunk_id for hit in response.hits if hit.chunk_id not in expected.owners]
    if hidden:
        return f"chunks {hidden} are hidden"
    explanation = response.explanation
    if explanation.n_visible != expected.n_visible:
        return f"{explanation.n_visible} rows counted, {expected.n_visible} are visible"
    shown = {name: explanation.document_frequencies.get(_name_term(name), 0) for name in expected.frequencies}
    if shown != expected.frequencies:
        return f"words counted {shown}, visible {expected.frequencies}"
    return ""


def find_counted_leak(world: World, oracle: Oracle, request: SearchRequest, expected: Expected) -> str:
    """Return what counts of a column's values show; nothing where they are those of the visible rows."""
    column = _FACETS[expected.n_visible % len(_FACETS)]
    asked = FacetRequest(
        column=column, n=1_000, as_of=request.as_of, filter=request.filter, principal=request.principal
    )
    name = column.removeprefix("attributes.")
    if not any(name in row.attributes for row in oracle.find_readable(request)):
        return _find_unrefused(world, asked)
    try:
        counted = world.searcher.count_values(asked)
    except FilterColumnError as error:
        return f"values of {column} are not counted: {error}"
    found = {name_value(row["value"]): row["documents"] for row in counted}
    pairs = {
        (name_value(value), row.doc_id)
        for row in world.rows
        if row.chunk_id in expected.owners
        for value in _list_values(row.attributes.get(name))
    }
    wanted = Counter(value for value, _ in pairs)
    return "" if found == wanted else f"values of {column} counted {found}, visible {dict(wanted)}"


def _find_unrefused(world: World, asked: FacetRequest) -> str:
    try:
        found = world.searcher.count_values(asked)
    except FilterColumnError:
        return ""
    return f"values of {asked.column}, which only hidden rows have, counted {found}"


def _list_values(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def find_difference(request: SearchRequest, response: SearchResponse, expected: Expected) -> str:
    """Return in what the answer differs from what it must be; nothing where it does not."""
    ids = [hit.chunk_id for hit in response.hits]
    documents = [hit.doc_id for hit in response.hits]
    if len(set(ids)) != len(ids):
        return "a chunk comes twice"
    most = 1 if request.granularity is Granularity.DOCUMENT else request.ranking.n_per_document or len(ids)
    if max(Counter(documents).values(), default=0) > most:
        return f"a document comes more than {most} times"
    scores = [hit.score for hit in response.hits]
    if scores != sorted(scores, reverse=True):
        return "hits are out of order"
    is_exact = response.explanation.is_exact
    if len(ids) != len(expected.best):
        return f"{len(ids)} hits, expected {len(expected.best)}"
    for hit, best in zip(response.hits, expected.best, strict=True):
        own = expected.scores.get(hit.chunk_id)
        if own is None:
            return f"chunk {hit.chunk_id} holds no word of the question"
        is_scaled = request.mode is SearchMode.HYBRID and not is_exact  # by the best row that was found
        if not is_scaled and abs(hit.score - own) > _allow(own, expected):
            return f"chunk {hit.chunk_id} scores {own}, found {hit.score}"
        if is_exact and abs(hit.score - best) > _allow(best, expected):
            return f"a hit scores {hit.score} where {best} is the next best"
    return ""


def find_other_attributes(world: World, response: SearchResponse) -> str:
    """Return which hit shows other attributes than its row has; nothing where none does."""
    rows = {row.chunk_id: row.attributes for row in world.rows}
    for hit in response.hits:
        found = {name: name_value(value) for name, value in hit.attributes.items()}
        if found != {name: name_value(value) for name, value in rows[hit.chunk_id].items()}:
            return f"chunk {hit.chunk_id} shows {hit.attributes}, written {rows[hit.chunk_id]}"
    return ""


def _allow(score: float, expected: Expected) -> float:
    """Return how far a score may be off: the greater, where a small greatest cosine enlarges rounding."""
    return max(TOLERANCE * max(1.0, score), expected.enlarged_rounding)


def _make_approximate_cheap() -> None:
    """Let plans be approximate in segments so small that comparing every row would be cheaper."""
    plans.APPROXIMATE = plans.LIST = plans.CODE = 0.0  # type: ignore[misc]  # constants elsewhere


def draw_request(drawn: random.Random, filters: Sequence[FilterExpression] = ()) -> SearchRequest:
    """Draw a question; its words, phrases and beginnings are of `WORDS`."""
    words = drawn.choices(WORDS, k=drawn.randrange(1, 6))
    if drawn.random() < 0.15:
        words.append('"' + " ".join(drawn.choices(WORDS, k=drawn.randrange(2, 4))) + '"')
    if drawn.random() < 0.1:
        words.append(drawn.choice(WORDS)[:2] + "*")
    zones = drawn.choice([None, None, frozenset(ZONES[:1]), frozenset(ZONES[1:]), frozenset()])
    groups = frozenset(drawn.sample(GROUPS, drawn.randrange(4)))
    mode, granularity = drawn.choice(list(SearchMode)), drawn.choice(list(Granularity))
    request = SearchRequest(
        query=" ".join(words),
        k=500 if drawn.random() < 0.01 else drawn.choice([1, 3, 10, 30]),
        mode=mode,
        granularity=granularity,
        as_of=drawn.choice([None, drawn.randrange(-2, N_MOMENTS + 30)]),
        filter=drawn.choice([None, *filters[:1], *filters[1:]]) if drawn.random() < 0.6 else None,
        principal=Principal(subject="drawn", groups=groups, zones=zones),
        exact=drawn.random() < 0.3,
        ranking=Ranking(
            boosts={TextField.TITLE: drawn.choice([0.5, 2.0])} if drawn.random() < 0.1 else None,
            dense_weight=drawn.choice([None, None, None, 0.0, 0.8, 1.0]),
            n_per_document=drawn.choice([None, 1, 2]) if granularity is Granularity.CHUNK else None,
        ),
    )
    return _draw_floors(request, drawn) if drawn.random() < 0.1 else request


def _draw_floors(request: SearchRequest, drawn: random.Random) -> SearchRequest:
    """Ask for least scores, exactly, as an approximate answer may miss rows that reach them."""
    floors: dict[str, float] = {"min_score": round(drawn.uniform(0.0, 0.9), 3)}
    if request.mode is not SearchMode.LEXICAL:
        floors["min_dense"] = round(drawn.uniform(-0.2, 0.6), 3)
    if request.mode is not SearchMode.DENSE:
        floors["min_lexical"] = round(drawn.uniform(0.0, 4.0), 3)
    kept = drawn.sample(sorted(floors), drawn.randrange(1, len(floors) + 1))
    ranking = replace(request.ranking, **{name: floors[name] for name in kept})
    return replace(request, exact=True, ranking=ranking)


def _has_floor(request: SearchRequest) -> bool:
    return any(
        floor is not None
        for floor in (request.ranking.min_score, request.ranking.min_dense, request.ranking.min_lexical)
    )


def _shift_floors(request: SearchRequest, by: float) -> SearchRequest:
    names = ("min_score", "min_dense", "min_lexical")
    given = {name: getattr(request.ranking, name) for name in names}
    moved = {name: floor + by for name, floor in given.items() if floor is not None}
    return replace(request, ranking=replace(request.ranking, **moved))


def _name_term(name: str) -> str:
    """Return the name the engine has for a word, a phrase or a beginning."""
    if name.startswith('"'):
        return '"' + " ".join(_TERMS[word] for word in name.strip('"').split()) + '"'
    return _TERMS.get(name, name)


def draw_filter(drawn: random.Random, *, depth: int) -> FilterExpression:
    """Draw a filter over the columns of `VALUES`, nested at most so deep."""
    if depth and drawn.random() < 0.5:
        inner = tuple(draw_filter(drawn, depth=depth - 1) for _ in range(drawn.randrange(1, 4)))
        return drawn.choice([And(operands=inner), Or(operands=inner), Not(operand=inner[0])])
    if drawn.random() < 0.1:
        words = drawn.choices(WORDS, k=drawn.randrange(1, 3))
        beginning = words[0][:3] + "*"
        wanted = drawn.choice([" ".join(words), beginning])
        return Matches(column=drawn.choice(["text", "title"]), words=wanted)
    name = drawn.choice([*VALUES, *ODD_VALUES])
    if name in ODD_VALUES:
        return _draw_odd(drawn, name)
    value = drawn.choice(VALUES[name])
    if name == "tags":
        return drawn.choice([Contains(column=name, value=drawn.choice("abcz")), IsNull(column=name)])
    if name == "is_open":
        return Compare(column=name, op=drawn.choice([Comparison.EQ, Comparison.NE]), value=value)
    plain = [
        Compare(column=name, op=drawn.choice(list(Comparison)), value=value),
        IsIn(column=name, values=tuple(drawn.sample(VALUES[name], 2))),
        IsNull(column=name),
    ]
    if name == "ticker":
        plain.append(StartsWith(column=name, prefix=drawn.choice(["A", "AB", "", "%"])))
    return drawn.choice(plain)


def _draw_odd(drawn: random.Random, name: str) -> FilterExpression:
    """Draw a condition on a column of several types."""
    column = "attributes.known_from" if name == "known_from" else name
    literals = [*_ODD_LITERALS, *(value for value in ODD_VALUES[name] if not isinstance(value, list))]
    return drawn.choice(
        [
            Compare(column=column, op=drawn.choice(list(Comparison)), value=drawn.choice(literals)),
            Compare(column=column, op=drawn.choice(list(Comparison)), value=drawn.choice(literals)),
            IsIn(column=column, values=tuple(drawn.sample(literals, drawn.randrange(1, 5)))),
            Contains(column=column, value=drawn.choice("ab")),
            StartsWith(column=column, prefix=drawn.choice(["a", "n/", "2019"])),
            IsNull(column=column),
        ]
    )


if __name__ == "__main__":
    main()
