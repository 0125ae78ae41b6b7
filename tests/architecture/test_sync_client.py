from __future__ import annotations

import pytest

from tools.make_sync_client import NAMES, find_target, make_sync_client


@pytest.mark.parametrize("name", NAMES)
def test_the_client_that_blocks_is_the_one_that_awaits(name):
    assert find_target(name).read_text(encoding="utf-8") == make_sync_client(name), (
        "write it: make sync-client"
    )
