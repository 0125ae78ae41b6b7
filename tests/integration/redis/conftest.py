"""What is shared, made as a serving process makes it, over a real Redis."""

from __future__ import annotations

import asyncio
import uuid

import pytest
import redis

from eagleray.settings import Settings
from tests.redis_servers import SECRET
from tests.small_collections import SPEC


def make_settings(url, *, secret=SECRET, collection=SPEC.name, **limits):
    return Settings(collection=collection, redis={"url": url, "secret": secret, "timeout_s": 2.0, **limits})


@pytest.fixture
def secret():
    """A secret of this test alone, so that its names are, too."""
    return f"{SECRET} {uuid.uuid4()}"


@pytest.fixture
def plain(redis_server):
    """A client that looks at what is stored."""
    with redis.Redis.from_url(redis_server.url) as client:
        yield client


@pytest.fixture
def runner():
    """One event loop for the length of a test."""
    with asyncio.Runner() as made:
        yield made
