"""`eagleray serve`: a published collection over HTTP."""

from __future__ import annotations

import typer

from eagleray.cli.showing import COLLECTION_OPTION, JSON_OPTION, STORE_OPTION, choose, show_json
from eagleray.contracts.services import ServeRequest
from eagleray.parts import load_serve_service
from eagleray.settings import load_settings


def serve(
    host: str = typer.Option("127.0.0.1", help="Address; beyond loopback only with keys or tokens."),
    port: int = typer.Option(8000, min=0, max=65_535, help="Port; 0 takes a free one."),
    alias: str = typer.Option("live", help="Alias whose snapshot answers, also after it moves."),
    development: bool = typer.Option(False, "--development", help="Who shows nothing may ask, on loopback."),
    store: str = STORE_OPTION,
    collection: str = COLLECTION_OPTION,
    json: bool = JSON_OPTION,
) -> None:
    """Serve a collection over HTTP until SIGTERM or Ctrl-C."""
    settings = load_settings(**choose(store=store, collection=collection))
    request = ServeRequest(host=host, port=port, alias=alias, is_development=development)

    def show(url: str) -> None:
        if json:
            show_json({"url": url, "collection": settings.collection})
        else:
            print(f"serving {settings.collection} on {url}", flush=True)

    load_serve_service().serve(settings, request, show)
