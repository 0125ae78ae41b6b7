"""The agent's tools: what each takes, what the model is told of it, and how it is carried out.

None reaches a network or runs code: they search, read and calculate within the scope of the question. A tool
that writes would say so, and waits for a human.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, TypeVar

from eagleray.contracts.chat_models import ChatTool
from eagleray.contracts.hits import SearchResponse
from eagleray.errors import QueryError
from serve.agents.agentic.calculating import calculate_cells, find_differences
from serve.agents.agentic.evidence import MAX_SHOWN
from serve.agents.agentic.scope import SearchCall
from serve.agents.agentic.tool_arguments import (
    AgentArguments,
    AgentSearchArguments,
    CalculateArguments,
    CompareArguments,
    OpenArguments,
    TableArguments,
)
from serve.agents.agentic.tool_desk import ToolDesk, ToolResult
from serve.agents.passage_units import PassageUnit, list_units
from serve.agents.table_rows import find_row_units

Accepted = TypeVar("Accepted", bound=AgentArguments)

_N_UNITS: Final = 24
_N_TABLE_PASSAGES: Final = 30
_N_ROWS: Final = 8
_N_SIDE: Final = 6


async def _search(desk: ToolDesk, asked: AgentSearchArguments) -> ToolResult:
    found = await desk.search(asked.to_call())
    units = await desk.searcher.compute(partial(desk.choose, found, asked.query, _N_UNITS))
    return desk.finish(_count(units, found), desk.evidence.label(units))


async def _open(desk: ToolDesk, asked: OpenArguments) -> ToolResult:
    call = SearchCall(
        query=desk.scope.request.search.query, document=asked.document, as_of=asked.as_of, is_whole=True
    )
    found = await desk.search(call)
    units = await desk.searcher.compute(partial(_list_in_order, found))
    if asked.page is not None:
        units = [unit for unit in units if unit.hit.page == asked.page]
    last = desk.evidence.find(asked.after) if asked.after else None
    if last is not None:
        end = last.hit.start + last.end
        units = [unit for unit in units if unit.hit.start + unit.start >= end]
    shown, n_left = units[:MAX_SHOWN], max(0, len(units) - MAX_SHOWN)
    note = f"{len(shown)} units, {n_left} more behind them" if units else "nothing to read there"
    return desk.finish(note, desk.evidence.label(shown))


async def _look_up(desk: ToolDesk, asked: TableArguments) -> ToolResult:
    query = " ".join(part for part in (asked.about, asked.label, asked.column) if part)
    found = await desk.search(
        SearchCall(query=query, k=_N_TABLE_PASSAGES, document=asked.document, as_of=asked.as_of)
    )
    rows = await desk.searcher.compute(
        partial(find_row_units, found.hits, label=asked.label, column=asked.column)
    )
    note = f"{len(rows)} rows" if rows else "no row whose label has all of these words"
    return desk.finish(note, desk.evidence.label(rows[:_N_ROWS]))


async def _calculate(desk: ToolDesk, asked: CalculateArguments) -> ToolResult:
    shown = calculate_cells(asked.expression, desk.evidence, as_percent=asked.as_percent, digits=asked.digits)
    return desk.finish(shown.text, shown.labels)


async def _compare(desk: ToolDesk, asked: CompareArguments) -> ToolResult:
    sides = [SearchCall(query=asked.query, document=document) for document in asked.documents]
    sides += [SearchCall(query=asked.query, as_of=time) for time in asked.times]
    if len(sides) != 2:
        raise QueryError(detail="compare takes two documents or two times, and nothing else")
    found = [await desk.search(side) for side in sides]
    units = [await desk.searcher.compute(partial(desk.choose, side, asked.query, _N_SIDE)) for side in found]
    labels = [tuple(desk.evidence.label(side)) for side in units]
    first, second = (", ".join(side) or "nothing" for side in labels)
    differences = find_differences(desk.evidence, labels[0], labels[1])
    note = "; ".join((f"first: {first}", f"second: {second}", *differences))
    return desk.finish(note, (*labels[0], *labels[1]))


def _list_in_order(found: SearchResponse) -> list[PassageUnit]:
    return sorted(list_units(found.hits), key=lambda unit: (unit.hit.start + unit.start, unit.end))


def _count(units: Sequence[PassageUnit], found: SearchResponse) -> str:
    if not units:
        return "nothing found"
    return f"{len(units)} units of {len(found.hits)} passages, the best first" + (
        "" if found.relevant is not False else "; none is likely to answer"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTool(Generic[Accepted]):
    """A tool of the agent.

    Attributes:
        name: letters, digits and `_`.
        description: for the model.
        arguments: what it takes.
        run: carries it out.
        writes: whether it changes anything outside the run; then a human is asked before each call.
    """

    name: str
    description: str
    arguments: type[Accepted]
    run: Callable[[ToolDesk, Accepted], Awaitable[ToolResult]]
    writes: bool = False

    def describe(self) -> ChatTool:
        """Return what the model is told."""
        schema = self.arguments.model_json_schema()
        return ChatTool(name=self.name, description=self.description, parameters=schema)


TOOLS: Final[tuple[AgentTool[Any], ...]] = (
    AgentTool(
        name="search",
        description="Finds passages by words and meaning; shows their best sentences and rows.",
        arguments=AgentSearchArguments,
        run=_search,
    ),
    AgentTool(
        name="open",
        description="Reads a document, or a page of it, from its beginning or after a unit.",
        arguments=OpenArguments,
        run=_open,
    ),
    AgentTool(
        name="table_lookup",
        description="Finds rows of tables whose label has all of the words given, with their cells.",
        arguments=TableArguments,
        run=_look_up,
    ),
    AgentTool(
        name="calculate",
        description=(
            "Calculates exactly with cells of rows (U3.2: second cell of U3) or figures of sentences, and "
            "shows the calculation. Copy it into the answer as it is."
        ),
        arguments=CalculateArguments,
        run=_calculate,
    ),
    AgentTool(
        name="compare",
        description="Looks for the same thing in two documents, or as of two times, and shows differences.",
        arguments=CompareArguments,
        run=_compare,
    ),
)
"""In the order in which the model is told of them."""
