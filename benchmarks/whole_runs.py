"""A folder through a whole ingest run, in a collection of its own, on a Ray cluster of its own."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from eagleray.cli.progress import report_progress
from eagleray.contracts.services import IngestRequest
from eagleray.documents.parsing.limits import ParseLimits
from eagleray.errors import ClusterError
from eagleray.setting_groups.engine import EmbedderSettings
from eagleray.setting_groups.parsing import ParsingSettings
from eagleray.settings import Settings
from ray_jobs.service import RayJobService

_MORE_TRIES: Final = 2


def ingest_folder(folder: Path, scratch: Path, limits: ParseLimits) -> dict[str, Any]:
    """Ingest a folder from listing to alias, as the command line does, and return the run's report."""
    settings = Settings(
        store=str(scratch / "store"),
        cache=str(scratch / "cache"),
        collection="fuzz",
        embedder=EmbedderSettings(model="hashing"),
        parsing=ParsingSettings(timeout_s=limits.timeout_s),
    )
    request = IngestRequest(source=str(folder))
    with report_progress() as on_progress:
        for _ in range(_MORE_TRIES):
            with suppress(
                ClusterError
            ):  # a busy machine starts none in time, which says nothing of the files
                return RayJobService(settings).ingest(request, on_progress)
        return RayJobService(settings).ingest(request, on_progress)
