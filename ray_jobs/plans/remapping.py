"""What a run does for the reason alone that documents are made of its source by another mapping than before.

Such a run supersedes documents that did not change: what is corrected is known from today on, and questions
as of an earlier day are answered as before. `--relabel` corrects the versions there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eagleray.errors import DocumentsOpenedError
from eagleray.logs import get_logger
from ray_jobs.plans.runs import RunPlan

MAX_SUPERSEDED: Final = 0.1
"""Share of the documents that a mapping may supersede without a warning."""

_log = get_logger()


def check_remapping(plan: RunPlan, counts: Mapping[str, int], *, opens_documents: bool) -> None:
    """Refuse what nobody may want, and log what few may want; called before anything is embedded.

    Args:
        plan: of the run.
        counts: kind of change -> how many there are.
        opens_documents: whether somebody confirmed that documents may be opened to more callers.

    Raises:
        DocumentsOpenedError: documents would be opened, and nobody confirmed it.
    """
    n_opened = counts.get("opened_by_mapping", 0)
    if n_opened and not opens_documents:
        raise DocumentsOpenedError(source=plan.source, n=n_opened)
    if describe_remapping(plan, counts):
        n = counts["superseded_by_mapping"]
        _log.warning(
            "superseded_by_mapping",
            source=plan.source,
            n=n,
            n_documents=plan.n_documents,
            instead="--relabel",
        )


def describe_remapping(plan: RunPlan, counts: Mapping[str, int]) -> str:
    """Return the warning about documents that a mapping supersedes, or `""` where they are few."""
    n = counts.get("superseded_by_mapping", 0)
    if n <= MAX_SUPERSEDED * plan.n_documents:
        return ""
    return (
        f"{n} of {plan.n_documents} documents are superseded because of the mapping alone: what it corrects "
        "is known from now on, and an earlier as-of is answered as before; to correct the versions there are "
        "instead, roll back (eagleray snapshots rollback) and run again with --relabel"
    )
