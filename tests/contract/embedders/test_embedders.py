from __future__ import annotations

import pytest

from eagleray.embedders import open_embedder
from eagleray.setting_groups.engine import EmbedderSettings
from eagleray.testing.embedders import EmbedderContract


@pytest.fixture(scope="module", params=["hashing", "default"])
def embedder(request):
    given = {"model": "hashing"} if request.param == "hashing" else {"backend": "torch-fp32"}
    return open_embedder(EmbedderSettings(**given))


class TestEmbedders(EmbedderContract):
    """Those of this project: the one without a model, and the default model."""
