from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Tests on Ray share one worker, so that one cluster at a time has the machine.

    First of all such hooks: xdist reads the group from the marker in its own.
    """
    for item in items:
        folders = item.path.parts
        if "integration" in folders:
            item.add_marker(pytest.mark.integration)
        if "e2e" in folders:
            item.add_marker(pytest.mark.e2e)
        if "integration" in folders or "e2e" in folders:
            item.add_marker(pytest.mark.xdist_group("ray"))
