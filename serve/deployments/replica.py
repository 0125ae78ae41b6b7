"""What every replica behind an ingress does: it sends its spans, the last ones when it ends."""

from __future__ import annotations

from eagleray.settings import Settings
from serve.tracing.exporting import start_tracing


class Replica:
    """Takes part in the traces of those who ask it."""

    def __init__(self, settings: Settings) -> None:
        self._tracing = start_tracing(settings.tracing)

    def __del__(self) -> None:
        """Send the last spans; Ray Serve calls this when a replica is to end."""
        if self._tracing is not None:
            self._tracing.shutdown()
