"""Finds the parts the upper layers register under the entry-point group `eagleray.parts`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final, Generic, TypeVar, cast

from eagleray.contracts.served_models import ModelService
from eagleray.contracts.services import (
    AnswerService,
    AuditService,
    EvaluationService,
    IndexService,
    JobService,
    KeyService,
    McpService,
    ServeService,
)
from eagleray.errors import MissingExtraError
from eagleray.settings import Settings

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Generic[S]):
    """A part of an upper layer, which is imported when it is first loaded.

    Attributes:
        name: of its entry point.
        extra: of the package, with which it is installed.
    """

    name: str
    extra: str

    def load(self, settings: Settings) -> S:
        """Return the part's service.

        Args:
            settings: what it works on.

        Raises:
            MissingExtraError: it, or something it imports, is not installed.
        """
        found = [point for point in entry_points(group="eagleray.parts") if point.name == self.name]
        if not found:
            raise MissingExtraError(part=f"the part {self.name!r}", extra=self.extra)
        try:
            return cast(S, found[0].load()(settings))
        except ModuleNotFoundError as error:
            raise MissingExtraError(part=error.name, extra=self.extra) from error


INDEX: Final[Part[IndexService]] = Part(name="index", extra="search")
"""Collections, snapshots and searches in this process."""

ANSWERS: Final[Part[AnswerService]] = Part(name="answers", extra="search")
"""Answers with citations."""

EVALUATION: Final[Part[EvaluationService]] = Part(name="evaluation", extra="search")
"""How well labelled questions are answered."""

JOBS: Final[Part[JobService]] = Part(name="jobs", extra="ray")
"""What runs on Ray."""

SERVING: Final[Part[ServeService]] = Part(name="serving", extra="serve")
"""Answers over HTTP."""

KEYS: Final[Part[KeyService]] = Part(name="keys", extra="serve")
"""API keys of a store."""

AUDIT: Final[Part[AuditService]] = Part(name="audit", extra="search")
"""The log of requests."""

MCP: Final[Part[McpService]] = Part(name="mcp", extra="mcp")
"""Tools for programs with a language model."""

MODELS: Final[Part[ModelService]] = Part(name="models", extra="serve")
"""Language models, served."""
