"""What a vector store holds, as a search of it needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eagleray.contracts.filters import And, FilterExpression, IsIn, Not, StartsWith
from eagleray.contracts.hits import Hit
from eagleray.contracts.principals import Principal, name_private_group
from serve.uploads.attachments import choose_findable
from serve.uploads.filters import Selects
from serve.uploads.keeping import OwnRecords
from serve.uploads.records import Attached, StoreRecord, name_source


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFiles:
    """What a vector store holds.

    Attributes:
        store: its record.
        findable: what can be found of it.
        others: sources of rows that may be there, but are not to be found.
    """

    store: StoreRecord
    findable: Sequence[Attached]
    others: tuple[str, ...]


def find_held(own: OwnRecords, store_id: str) -> HeldFiles:
    """Return what a vector store of the caller holds; this is a use of it. Blocks.

    Raises:
        NotPublishedError: they have none of the name, or it has expired.
    """
    store = own.find_store(store_id, is_expired=False)
    own.touch_store(store)
    attempts = own.attachments.list_attempts(store_id)
    findable = choose_findable(attempts)
    shown = {item.attempt for item in findable}
    others = (item.source for item in attempts if item.n_documents and item.attempt not in shown)
    return HeldFiles(store=store, findable=findable, others=tuple(others))


def choose_rows(held: HeldFiles, selects: Selects | None) -> FilterExpression:
    """Return which rows are asked: those of all files that can be found, or of those that are selected."""
    everything = StartsWith(column="source", prefix=name_source(held.store.store_id))
    if selects is not None:
        sources = tuple(item.source for item in held.findable if selects(item.attributes))
        return And(operands=(everything, IsIn(column="source", values=sources)))
    if held.others:
        return And(operands=(everything, Not(operand=IsIn(column="source", values=held.others))))
    return everything


def keep_there(own: OwnRecords, held: HeldFiles, hits: Sequence[Hit]) -> list[tuple[Hit, Attached]]:
    """Return the hits in files that are still there: what was deleted before the answer is not in it."""
    own.find_store(held.store.store_id, is_expired=False)
    by_source = {item.source: item for item in held.findable}
    found = [(hit, by_source[hit.source]) for hit in hits if hit.source in by_source]
    files = {name for name in {attached.file_id for _, attached in found} if own.has_file(name)}
    return [(hit, attached) for hit, attached in found if attached.file_id in files]


def narrow(principal: Principal) -> Principal:
    """Return the principal with its private group exclusive: nothing else of theirs is asked here."""
    return replace(principal, groups=frozenset({name_private_group(principal.subject)}))
