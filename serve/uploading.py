"""What keeps files over HTTP, put together: the settings' store, a record of each use."""

from __future__ import annotations

from eagleray.settings import Settings
from indexes.storage import open_store
from serve.audit.entries import Asked, Told, record_request
from serve.audit.writing import AuditWriter
from serve.http.serving import Uploads
from serve.uploads.keeping import OwnRecords


def make_uploads(audit: AuditWriter, settings: Settings) -> Uploads:
    """Return what the routes ask."""
    store = open_store(settings.store, s3=settings.s3)

    def record(asked: Asked, error: Exception | None, latency_us: int) -> None:
        kept = settings.audit.questions
        outcome = error or Told(snapshot="")
        audit.append(record_request(asked, outcome, questions=kept, latency_us=latency_us))

    return Uploads(
        open_own=lambda subject: OwnRecords(store, settings.collection, subject=subject), record=record
    )
