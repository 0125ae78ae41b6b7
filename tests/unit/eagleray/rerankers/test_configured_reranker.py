from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from eagleray.errors import ModelError
from eagleray.rerankers import load_reranker, open_reranker
from eagleray.rerankers.configured_reranker import DeferredReranker
from eagleray.setting_groups.engine import RerankerSettings
from eagleray.testing import OverlapReranker


def test_no_model_is_no_reranker():
    assert open_reranker(RerankerSettings()) is None


def test_opening_reads_nothing_and_scoring_says_what_is_missing():
    reranker = open_reranker(RerankerSettings(model="no/such/model"))
    with pytest.raises(ModelError, match="set EAGLERAY_RERANKER__MODEL to the folder of a cross-encoder"):
        reranker.score("bond", ["coupon"])


def test_opening_loads_no_torch(tiny):
    code = (
        "import sys;from eagleray.rerankers import open_reranker;"
        "from eagleray.settings import RerankerSettings;"
        f"open_reranker(RerankerSettings(model={str(tiny)!r})); print('torch' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["False"]


def test_it_is_named_for_its_folder(tiny):
    assert load_reranker(RerankerSettings(model=str(tiny))).identity.name == "tiny"


def test_a_deferred_reranker_loads_once_for_many_threads():
    loaded = []

    def load():
        loaded.append(1)
        return OverlapReranker()

    deferred = DeferredReranker(load)
    assert loaded == []
    threads = [threading.Thread(target=deferred.score, args=("bond", ["coupon"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loaded == [1]
