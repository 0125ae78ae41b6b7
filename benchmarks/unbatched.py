"""`eagleray serve` whose embedder takes one text at a time, to compare batching with.

    python -m benchmarks.unbatched

Settings come from the environment; it prints what `eagleray serve --json` prints.
"""

from __future__ import annotations

import json

from eagleray.contracts.services import ServeRequest
from eagleray.settings import load_settings
from serve.service import HttpServeService


def main() -> None:
    """Serve."""
    settings = load_settings()
    embedder = settings.embedder.model_copy(update={"max_batch_tokens": 1})  # a longer text is alone
    settings = settings.model_copy(update={"embedder": embedder})
    request = ServeRequest(port=0, is_development=True)
    HttpServeService(settings).serve(request, lambda url: print(json.dumps({"url": url}), flush=True))


if __name__ == "__main__":
    main()
