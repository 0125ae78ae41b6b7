"""Opens what serving processes share, if the settings say so; without Redis each goes by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from eagleray.errors import MissingExtraError
from eagleray.settings import Settings

if TYPE_CHECKING:
    from serve.redis.opening import Sharing


@asynccontextmanager
async def open_sharing(settings: Settings) -> AsyncIterator[Sharing | None]:
    """Open what makes the shared parts, for the length of a block; `None` where the settings name no Redis.

    Raises:
        MissingExtraError: the client is not installed.
    """
    url, secret = settings.redis.url, settings.redis.secret
    if url is None or secret is None:
        yield None
        return
    try:
        from serve.redis.opening import Sharing
    except ModuleNotFoundError as error:
        raise MissingExtraError(part=error.name, extra="redis") from error
    sharing = Sharing(settings, url=url.get_secret_value(), secret=secret.get_secret_value())
    try:
        yield sharing
    finally:
        await sharing.close()
