"""A reranker of each kind."""

import pytest

from eagleray.rerankers import load_reranker, open_reranker
from eagleray.setting_groups.engine import RerankerSettings
from eagleray.testing import OverlapReranker
from tests.small_rerankers import write_cross_encoder


@pytest.fixture(scope="session")
def settings(tmp_path_factory):
    folder = write_cross_encoder(tmp_path_factory.mktemp("cross-encoder") / "tiny")
    return RerankerSettings(model=str(folder), max_batch_tokens=256)


@pytest.fixture(params=["cross-encoder", "deferred", "overlap"])
def reranker(request, settings):
    if request.param == "overlap":
        return OverlapReranker()
    return load_reranker(settings) if request.param == "cross-encoder" else open_reranker(settings)
