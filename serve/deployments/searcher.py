"""One replica that searches: it follows the alias by itself, and answers on the snapshot a call names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eagleray.embedders import open_embedder
from eagleray.errors import EagleRayError, OverloadedError
from serve.assembling import PROBE, choose_limits, make_follower
from serve.deployments.arguments import Arguments
from serve.deployments.calling import returned
from serve.engine.answering import Answerer
from serve.engine.following import Following
from serve.engine.questions import Search
from serve.engine.shelf import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a searcher stands with the alias; see `Follower`."""

    state: Following
    lookup_age_s: float
    n_taken: int


class Searcher:
    """Answers questions that come from other processes."""

    def __init__(self, arguments: Arguments) -> None:
        settings = arguments.read_settings()
        self._follower = make_follower(settings, arguments.alias, open_embedder(settings.embedder))
        self._answerer = Answerer(self._follower, choose_limits(settings))
        self._is_started = False

    async def check_health(self) -> None:
        """Answer a question; the first time, before requests come, open the snapshot.

        Raises:
            EagleRayError: it is not answered. Too much to do is no illness.
        """
        if not self._is_started:
            await self._follower.start()
            self._is_started = True
        try:
            await self._answerer.answer(Search(PROBE))
        except OverloadedError:
            return

    async def answer(
        self, ask: Callable[[Engine], Any], snapshot: str | None, timeout_s: float
    ) -> Any | EagleRayError:
        """Return what `ask` makes of the alias's snapshot or the named one, or the error."""
        return await returned(self._answerer.answer(ask, snapshot=snapshot, timeout_s=timeout_s))

    async def stand(self) -> Standing:
        """Return where it stands with the alias."""
        follower = self._follower
        return Standing(state=follower.state, lookup_age_s=follower.lookup_age_s, n_taken=follower.n_taken)
