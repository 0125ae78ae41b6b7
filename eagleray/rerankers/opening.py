"""From settings to a reranker."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from eagleray.contracts.ports import Reranker, RerankerIdentity
from eagleray.errors import ModelError
from eagleray.models.libraries import import_library
from eagleray.rerankers.deferred import DeferredReranker
from eagleray.rerankers.layout import digest_cross_encoder, read_cross_encoder
from eagleray.setting_groups.engine import RerankerSettings


@lru_cache(maxsize=2)
def open_reranker(settings: RerankerSettings) -> Reranker | None:
    """Return the reranker the settings name, one a process for equal settings; `None` where they name none.

    Its folder is read when it first scores, and so are the errors of `load_reranker` raised.
    """
    return DeferredReranker(lambda: load_reranker(settings)) if settings.model else None


def load_reranker(settings: RerankerSettings) -> Reranker:
    """Return the reranker the settings name, its model loaded.

    Raises:
        ModelError: there is no such folder (nothing is ever downloaded), it holds no cross-encoder, or
            the device is not there.
        MissingExtraError: torch is not installed.
    """
    folder = find_cross_encoder(settings)
    layout = read_cross_encoder(folder)
    reranker: Reranker = import_library("eagleray.rerankers.cross_encoder").CrossEncoder(
        folder,
        layout=layout,
        identity=RerankerIdentity(name=folder.name, digest=digest_cross_encoder(folder)),
        settings=settings,
    )
    return reranker


def find_cross_encoder(settings: RerankerSettings) -> Path:
    """Return the folder of the cross-encoder the settings name.

    Raises:
        ModelError: there is no such folder; nothing is ever downloaded.
    """
    folder = Path(settings.model).expanduser()
    if not settings.model or not folder.is_dir():
        detail = "set EAGLERAY_RERANKER__MODEL to the folder of a cross-encoder; nothing is downloaded"
        raise ModelError(model=settings.model, detail=detail)
    return folder.resolve()
