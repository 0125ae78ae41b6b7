"""Language models that are served: which, how, and the part that serves them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelServeRequest:
    """Which language models are served, and how.

    Attributes:
        models: folders, or names of installed models; each is served by its folder's name.
        profiles: names of those that come with the package, or files; one for all models, or one for each.
        port: on loopback: the server asks nobody who they are.
        address: of a Ray cluster; empty for one that begins and ends with the server.
    """

    models: tuple[str, ...]
    profiles: tuple[str, ...]
    port: int
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModels:
    """Language models that answer.

    Attributes:
        url: for `EAGLERAY_LLM__URL`.
        models: their names, one of them for `EAGLERAY_LLM__MODEL`.
        metrics_url: where Prometheus reads what the engines of this machine do.
    """

    url: str
    models: tuple[str, ...]
    metrics_url: str


class ModelService(Protocol):
    """Language models on Ray Serve."""

    def serve(self, request: ModelServeRequest, on_ready: Callable[[ServedModels], None]) -> None:
        """Serve models until SIGTERM or SIGINT; then nothing that was started is left.

        Args:
            request: which, and how.
            on_ready: called once they answer.

        Raises:
            InputError: they cannot be served.
        """
        ...
