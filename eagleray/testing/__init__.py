"""For tests of code that uses eagleray, or that takes the place of a part of it.

Fakes are here: a store in memory, an embedder, a reranker and a chat model without a model, a clock that
stands still, a caller. Contract suites lie in modules of their own, which need pytest:
`eagleray.testing.stores`, `embedders`, `rerankers`, `chat_models`, `dense_indexes`, `sources`, `enrichers`.
A suite is a class; a subclass whose name begins with `Test` gives its fixture and runs all of it over an
implementation:

    from eagleray.testing.stores import StoreContract

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self, tmp_path):
            return MyStore(tmp_path)
"""

from eagleray.embedders.hashing import HashingEmbedder
from eagleray.testing.fakes import (
    ManualClock,
    MemoryStore,
    OverlapReranker,
    RepeatingChatModel,
    make_caller,
)

__all__ = [
    "HashingEmbedder",
    "ManualClock",
    "MemoryStore",
    "OverlapReranker",
    "RepeatingChatModel",
    "make_caller",
]
