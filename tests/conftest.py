from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items):
    """Tests on Ray share one worker, so that one cluster at a time has the machine."""
    for item in items:
        folders = item.path.parts
        if "integration" in folders:
            item.add_marker(pytest.mark.integration)
        if "e2e" in folders:
            item.add_marker(pytest.mark.e2e)
        if "integration" in folders or "e2e" in folders:
            item.add_marker(pytest.mark.xdist_group("ray"))
