"""The guard: every row of a result is checked once more, one by one, by other code than the mask's."""

from __future__ import annotations

from eagleray.contracts.principals import Principal
from eagleray.contracts.times import OPEN_END
from eagleray.errors import GuardError
from indexes.segments.view import SegmentView


def list_groups(view: SegmentView, row: int) -> tuple[str, ...]:
    """Return the groups that may read a row; none for a public one."""
    byte, bit = divmod(row, 8)
    return tuple(
        name
        for name, bits in zip(view.group_names[1:], view.group_bits[1:], strict=True)
        if int(bits[byte]) >> bit & 1
    )


def guard_row(view: SegmentView, row: int, *, as_of: int | None, principal: Principal) -> None:
    """Refuse a row the caller must not see.

    Raises:
        GuardError: the row is not known yet or not any more, belongs to another group, or lies in
            another zone.
    """
    chunk_id = int(view.chunk_ids[row])
    known_from, known_to = int(view.known_from[row]), int(view.known_to[row])
    is_known = known_to == OPEN_END if as_of is None else known_from <= as_of < known_to
    if not is_known:
        raise GuardError(chunk_id=chunk_id, rule="it was not known at that time")
    byte, bit = divmod(row, 8)
    is_public = bool(int(view.group_bits[0][byte]) >> bit & 1)
    if not is_public and principal.groups.isdisjoint(list_groups(view, row)):
        raise GuardError(chunk_id=chunk_id, rule="it belongs to groups of which the caller has none")
    if principal.zones is not None and view.zone not in principal.zones:
        raise GuardError(chunk_id=chunk_id, rule="it lies in a zone the caller may not read")
