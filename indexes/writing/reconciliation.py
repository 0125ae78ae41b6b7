"""What a delivery changes in a collection, document by document.

`reconcile_document` takes every delivered version of one document and what the collection
holds of it, and returns the rows to add, the rows to close and the deliveries to set aside.
Times of knowledge never overlap: at any T at most one version of a document is visible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from eagleray.contracts.principals import name_private_group
from eagleray.contracts.times import OPEN_END
from indexes.writing.versions import (
    Addition,
    DeliveredVersion,
    DocumentPlan,
    Held,
    VersionChange,
    name_reissue,
)

NOBODY: Final = name_private_group("")
"""A group that nobody can be given: of a version none of whose readers may read the newest one."""

Ending = TypeVar("Ending", DeliveredVersion, Held)


def reconcile_document(
    deliveries: Sequence[DeliveredVersion], held: Sequence[Held], *, now: int, removed_at: Sequence[int] = ()
) -> DocumentPlan:
    """Decide what one document's deliveries change.

    Args:
        deliveries: in any order; the plan does not depend on it.
        held: every version the parent snapshot holds.
        now: when the run began, microseconds: when a removal becomes known, and when a correction
            becomes known that claims the very moment of what it corrects.
        removed_at: when the source says that the document was removed, microseconds: what was known before
            ends there, and what comes later is the document again.

    Returns:
        The plan. Content that is already held is repeated, not added. A later version closes the
        one before it at its own `known_from`; an open version that is due and was not delivered
        is closed at `now`, and the last delivery, which is what the source holds, is visible from then on.
    """
    if not deliveries:
        return DocumentPlan(changes=_close_removed(held, removed_at, now=now))
    ended = [_end_removed(item, removed_at) for item in deliveries]
    clean, conflicts, n_repeated = _split_conflicts(ended)
    before = sorted(held, key=lambda item: (item.known_from, item.version))
    timeline = [_end_removed(item, removed_at) for item in before]
    additions: list[Addition] = []
    groups: dict[str, tuple[str, ...]] = {}
    repeated: set[int] = set()
    for place, delivery in enumerate(clean):
        same: Held | Addition | None = _find_same(delivery, timeline, additions)
        if same is None:
            same = _add(delivery, timeline, additions, now=now)
        else:
            repeated.add(place)
        if same is None:
            conflicts.append(delivery)
            continue
        groups[same.version] = delivery.groups
    last = clean[-1] if clean and not conflicts else None
    standing = [_withdraw(item, last, groups, now=now) for item in timeline]
    if _reopen(clean, standing, additions, now=now):
        repeated.discard(len(clean) - 1)
    _restrict_older(timeline, additions, groups)
    additions = [replace(item, groups=groups.get(item.version, item.groups)) for item in additions]
    present: list[Held | Addition] = [*standing, *additions]
    starts = sorted(item.known_from for item in present)
    return DocumentPlan(
        additions=tuple(replace(item, known_to=_find_end(item, starts)) for item in additions),
        changes=_find_changes(before, standing, starts, groups),
        conflicts=tuple(conflicts),
        n_repeated=n_repeated + len(repeated),
    )


def find_unread(
    deliveries: Sequence[DeliveredVersion],
    held: Sequence[Held],
    plan: DocumentPlan,
    *,
    removed_at: Sequence[int] = (),
) -> str:
    """Return what has to be read to know what the source holds of a document, or `""`.

    Where the newest version is gone from the source, an older one may still be there, in a part that did not
    change: then that one is the document.

    Args:
        deliveries: of the document.
        held: every version the parent snapshot holds.
        plan: what follows from these alone.
        removed_at: when the source says that the document was removed.
    """
    closed = {change.version for change in plan.changes if change.known_to is not None}
    is_gone = any(item.is_due and item.known_to == OPEN_END and item.version in closed for item in held)
    older = [item for item in held if item.unread]
    if not is_gone or not older:
        return ""
    latest = max(older, key=lambda item: item.known_from)
    told = [*(item.known_from for item in deliveries), *removed_at]
    return latest.unread if all(latest.known_from > time for time in told) else ""


def _withdraw(
    item: Held, last: DeliveredVersion | None, delivered: Mapping[str, tuple[str, ...]], *, now: int
) -> Held:
    """Return a held version, ended at `now` where the source holds an older one in its place.

    A file that was put back from a copy brings its old date with it.
    """
    if last is None or not item.is_due or item.known_to != OPEN_END or item.known_from <= last.known_from:
        return item
    return (
        item
        if item.holds(last.version) or item.version in delivered
        else replace(item, known_to=max(now, item.known_from + 1))
    )


def _add(
    delivery: DeliveredVersion, timeline: Sequence[Held], additions: list[Addition], *, now: int
) -> Addition | None:
    """Append the delivery as a new version, moved to `now` where its moment is taken.

    Returns `None`, adding nothing, where the delivery would end before it could begin.
    """
    present: list[Held | Addition] = [*timeline, *additions]
    starts = {item.known_from for item in present}
    known_from = delivery.known_from
    if known_from in starts:
        known_from = max([now, *(start + 1 for start in starts)])
    if delivery.known_to <= known_from:
        return None
    is_back = delivery.version in {item.version for item in present}
    addition = Addition(
        delivery=delivery,
        version=name_reissue(delivery.version, known_from) if is_back else delivery.version,
        known_from=known_from,
        known_to=delivery.known_to,
        groups=delivery.groups,
    )
    additions.append(addition)
    return addition


def _split_conflicts(
    deliveries: Sequence[DeliveredVersion],
) -> tuple[list[DeliveredVersion], list[DeliveredVersion], int]:
    """Return deliveries one a moment in order of time, those that contradict, and plain repeats."""
    by_moment: dict[int, list[DeliveredVersion]] = {}
    for delivery in sorted(
        deliveries, key=lambda item: (item.known_from, item.version, item.known_to, item.groups, item.key)
    ):
        by_moment.setdefault(delivery.known_from, []).append(delivery)
    clean, conflicts, n_repeated = [], [], 0
    for rivals in by_moment.values():
        if len({(rival.version, rival.groups, rival.known_to) for rival in rivals}) > 1:
            conflicts += rivals
        else:
            clean.append(rivals[0])
            n_repeated += len(rivals) - 1
    return clean, conflicts, n_repeated


def _find_same(
    delivery: DeliveredVersion, timeline: Sequence[Held], additions: Sequence[Addition]
) -> Held | Addition | None:
    """Return the version that already says at that moment what the delivery says."""
    before: list[Held | Addition] = [item for item in timeline if item.known_from <= delivery.known_from]
    before += [item for item in additions if item.known_from <= delivery.known_from]
    latest = max(before, key=lambda item: item.known_from, default=None)
    open_now = [item for item in timeline if item.known_to == OPEN_END]
    for candidate in [latest, *open_now]:
        if isinstance(candidate, Addition):
            is_same = candidate.delivery.version == delivery.version
        elif candidate is not None:
            is_same = candidate.holds(delivery.version)
        else:
            is_same = False
        if is_same and candidate is not None and candidate.known_to > delivery.known_from:
            return candidate
    return None


def _reopen(
    clean: Sequence[DeliveredVersion], timeline: Sequence[Held], additions: list[Addition], *, now: int
) -> int:
    """Add back the last delivery where the collection had closed it; return how many were added."""
    last = clean[-1] if clean else None
    present: list[Held | Addition] = [*timeline, *additions]
    starts = [item.known_from for item in present]
    is_open = any(_find_end(item, starts) == OPEN_END for item in present)
    if last is None or is_open or last.known_to != OPEN_END:
        return 0
    known_from = max(
        [
            now,
            *(end for item in present if (end := item.known_to) != OPEN_END),
            *(start + 1 for start in starts),
        ]
    )
    version = name_reissue(last.version, known_from)
    additions.append(
        Addition(delivery=last, version=version, known_from=known_from, known_to=OPEN_END, groups=last.groups)
    )
    return 1


def _restrict_older(
    timeline: Sequence[Held], additions: Sequence[Addition], groups: dict[str, tuple[str, ...]]
) -> None:
    """Let no version before the newest be read by others than those who may read that one.

    Args:
        timeline: versions held.
        additions: versions that are added.
        groups: version -> its groups now, where they are others than before; entries are put in.
    """
    present: list[Held | Addition] = [*timeline, *additions]
    newest = max(present, key=lambda item: item.known_from, default=None)
    if newest is None:
        return
    now = groups.get(newest.version, newest.groups)
    for item in present:
        if item is newest:
            continue
        own = groups.get(item.version, item.groups)
        is_alike = isinstance(newest, Held) and frozenset(item.groups) == frozenset(newest.groups)
        wanted = now if is_alike and item.version not in groups else restrict_groups(own, now)
        if frozenset(wanted) != frozenset(own):
            groups[item.version] = wanted


def restrict_groups(own: tuple[str, ...], newest: tuple[str, ...]) -> tuple[str, ...]:
    """Return groups whose members may read both what has the one and what has the other groups."""
    if not own or not newest:
        return own or newest
    return tuple(sorted(set(own) & set(newest))) or (NOBODY,)


def regroup_document(
    held: Sequence[Held], groups: Mapping[str, tuple[str, ...]]
) -> tuple[VersionChange, ...]:
    """Return what changes where versions have other groups and nothing else is other than before.

    Args:
        held: every version of the document.
        groups: version -> its groups from now on.
    """
    timeline = sorted(held, key=lambda item: (item.known_from, item.version))
    wanted = dict(groups)
    _restrict_older(timeline, [], wanted)
    return _find_changes(timeline, timeline, [item.known_from for item in timeline], wanted)


def opens_document(held: Sequence[Held], plan: DocumentPlan) -> bool:
    """Return whether a plan lets anybody read a version, or what follows it, who may not read it now."""
    if not held:
        return False
    newest = max(held, key=lambda item: item.known_from)
    own = {item.version: item.groups for item in held}
    return any(
        change.groups is not None and _is_wider(change.groups, own[change.version]) for change in plan.changes
    ) or any(
        item.delivery.zone != newest.zone or _is_wider(item.groups, newest.groups) for item in plan.additions
    )


def _is_wider(groups: Sequence[str], before: Sequence[str]) -> bool:
    return bool(before) and (not groups or not set(groups) <= set(before))


def _find_end(item: Held | Addition, starts: Sequence[int]) -> int:
    """Return when the version ends: at its own end, or where the next one begins."""
    return min([item.known_to, *(start for start in starts if start > item.known_from)])


def _find_changes(
    timeline: Sequence[Held],
    standing: Sequence[Held],
    starts: Sequence[int],
    groups: Mapping[str, tuple[str, ...]],
) -> tuple[VersionChange, ...]:
    """Return what changes of held versions; `standing` are the same ones with their new ends."""
    changes = []
    for item, kept in sorted(zip(timeline, standing, strict=True), key=lambda pair: pair[0].version):
        end = _find_end(kept, starts)
        wanted = groups.get(item.version, item.groups)
        change = VersionChange(
            version=item.version,
            known_to=end if end < item.known_to else None,
            groups=wanted if wanted != item.groups else None,
        )
        if change.known_to is not None or change.groups is not None:
            changes.append(change)
    return tuple(changes)


def _close_removed(held: Sequence[Held], removed_at: Sequence[int], *, now: int) -> tuple[VersionChange, ...]:
    changes = []
    for item in sorted(held, key=lambda item: item.version):
        end = _end_removed(item, removed_at).known_to
        if item.is_due and end == OPEN_END:
            end = max(now, item.known_from + 1)
        if end < item.known_to:
            changes.append(VersionChange(version=item.version, known_to=end))
    return tuple(changes)


def _end_removed(item: Ending, removed_at: Sequence[int]) -> Ending:
    """Return a version that ends where the document was next removed, if it does not end before."""
    end = min([item.known_to, *(time for time in removed_at if time > item.known_from)])
    return item if end == item.known_to else replace(item, known_to=end)
