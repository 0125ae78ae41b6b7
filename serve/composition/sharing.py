"""Opens what serving processes share, if the settings say so; without Redis each goes by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from eagleray.errors import MissingExtraError
from eagleray.settings import Settings

if TYPE_CHECKING:
    from serve.redis.redis_sharing import Sharing


@asynccontextmanager
async def open_sharing(settings: Settings) -> AsyncIterator[Sharing | None]:
    """Open what makes the shared parts, for the length of a block; `None` where the settings name no Redis.

    Raises:
        MissingExtraError: the client is not installed.
    """
    sharing = make_sharing(settings)
    try:
        yield sharing
    finally:
        if sharing is not None:
            await sharing.close()


def make_sharing(settings: Settings) -> Sharing | None:
    """Return what makes the shared parts; nothing connects before it is used.

    Raises:
        MissingExtraError: the client is not installed.
    """
    url, secret = settings.redis.url, settings.redis.secret
    if url is None or secret is None:
        return None
    try:
        from serve.redis.basis import describe_basis
        from serve.redis.redis_sharing import Sharing
    except ModuleNotFoundError as error:
        raise MissingExtraError(part=error.name, extra="redis") from error
    return Sharing(
        settings.redis,
        url=url.get_secret_value(),
        secret=secret.get_secret_value(),
        describe_basis=partial(describe_basis, reranker=settings.reranker, device=settings.search.device),
        timeout_s=settings.serve.timeout_s,
    )
