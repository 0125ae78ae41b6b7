"""Opens what serving processes share, if the settings say so; without Redis each goes by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eagleray.errors import MissingExtraError
from eagleray.settings import Settings

if TYPE_CHECKING:
    from serve.redis.opening import Sharing


def open_sharing(settings: Settings, *, alias: str) -> Sharing | None:
    """Return what makes the shared parts; `None` where the settings name no Redis.

    Raises:
        MissingExtraError: the client is not installed.
    """
    url, secret = settings.redis.url, settings.redis.secret
    if url is None or secret is None:
        return None
    try:
        from serve.redis.opening import Sharing
    except ModuleNotFoundError as error:
        raise MissingExtraError(part=error.name, extra="redis") from error
    return Sharing(settings, url=url.get_secret_value(), secret=secret.get_secret_value(), alias=alias)
