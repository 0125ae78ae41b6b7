from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import settings as hypothesis_settings

from eagleray.settings import Settings
from tests.redis_servers import RedisServer

hypothesis_settings.register_profile("any-machine", deadline=None)
hypothesis_settings.load_profile("any-machine")


def pytest_collection_modifyitems(items):
    """Mark tests by the folder they lie in."""
    for item in items:
        for name in {"integration", "e2e"} & {*item.path.parts}:
            item.add_marker(getattr(pytest.mark, name))


@pytest.fixture
def rng():
    """Return the one seeded generator of tests."""
    return np.random.default_rng(7)


@pytest.fixture(autouse=True)
def kept_logging():
    """Leave the project's logger as it was: a command configures it for the whole process."""
    logger = logging.getLogger("eagleray")
    kept = (logger.handlers, logger.level, logger.propagate)
    yield
    logger.handlers, logger.level, logger.propagate = kept


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    """A Redis that all tests share: each uses names of its own, or starts what it needs to end."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture
def own_redis(tmp_path):
    """A Redis that the test may kill."""
    server = RedisServer(tmp_path)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def cluster():
    """A Ray cluster of two processors, which all tests share."""
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")
    ray.init(
        address="local", num_cpus=2, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False
    )
    yield
    ray.shutdown()


@pytest.fixture
def settings(tmp_path):
    """Settings of a collection of notes of the test's own, embedded by hashing."""
    return Settings(
        store=str(tmp_path / "store"),
        collection="notes",
        cache=str(tmp_path / "cache"),
        embedder={"model": "hashing"},
        jobs={"workers": 2},
    )
