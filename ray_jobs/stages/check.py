"""Check: a split of the source in, what a run would read and refuse of it out; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from eagleray.contracts.sources import Source, Split, Tombstone
from eagleray.documents.mapping import Mapping, apply_mapping
from eagleray.models.item_progress import tell_done
from indexes.runs.dead_letters import Letter
from ray_jobs.stage_spec import StageSpec
from ray_jobs.stages.read_tally import ReadTally, TallyingReader

MAX_LISTED: Final = 1_000
"""Dead letters of a split that are listed; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutcome:
    """What was read of a split, and the first of its dead letters."""

    tally: ReadTally
    letters: tuple[Letter, ...]


class CheckTask:
    """Reads splits, and makes documents of their records by a mapping."""

    def __init__(self, source: Source[Any, Any], mapping: Mapping) -> None:
        self._source, self._mapping = source, mapping

    def __call__(self, payload: Split) -> CheckOutcome:
        """Read a split.

        Raises:
            StoreError: the source does not answer now.
            InputError: the source as a whole cannot be read.
        """
        reader = TallyingReader(partial(apply_mapping, self._mapping), self._mapping)
        with closing(self._source.read(payload)) as items:
            for item in items:
                tell_done(1)
                if not isinstance(item, Tombstone):
                    reader.read(item)
        listed = reader.letters.close()[:MAX_LISTED]
        return CheckOutcome(tally=reader.close(), letters=tuple(asdict(letter) for letter in listed))


def _open_task(open_source: Callable[[], Source[Any, Any]], mapping: Mapping) -> CheckTask:
    return CheckTask(open_source(), mapping)


def make_check_stage(
    splits: Iterable[Split], open_source: Callable[[], Source[Any, Any]], mapping: Mapping
) -> StageSpec[Split, CheckOutcome]:
    """Return the stage that checks the splits of a source; it leaves no markers."""
    return StageSpec(
        name="check",
        payloads=tuple(splits),
        make_task=partial(_open_task, open_source, mapping),
        outcome=CheckOutcome,
    )
