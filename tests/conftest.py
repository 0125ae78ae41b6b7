from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


def pytest_collection_modifyitems(items):
    """Mark tests by the folder they lie in."""
    for item in items:
        folders = item.path.parts
        if "integration" in folders:
            item.add_marker(pytest.mark.integration)
        if "e2e" in folders:
            item.add_marker(pytest.mark.e2e)


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
