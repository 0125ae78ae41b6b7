"""What every replica behind an ingress does: it sends its spans, the last ones when it ends."""

from __future__ import annotations

from eagleray.setting_groups.serving import TracingSettings
from serve.tracing.exporting import start_tracing


class Replica:
    """Takes part in the traces of those who ask it."""

    def __init__(self, settings: TracingSettings) -> None:
        self._tracing = start_tracing(settings)

    def __del__(self) -> None:
        """Send the last spans; Ray Serve calls this when a replica is to end."""
        if self._tracing is not None:
            self._tracing.shutdown()
