from __future__ import annotations

from tools.make_sync_client import TARGET, make_sync_client


def test_the_client_that_blocks_is_the_one_that_awaits_without_waiting():
    assert TARGET.read_text(encoding="utf-8") == make_sync_client(), "write it: make sync-client"
