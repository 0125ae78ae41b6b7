from __future__ import annotations

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
