"""`eagleray serve`: published collections over HTTP."""

from __future__ import annotations

import sys
from typing import Final

import typer

from eagleray.cli.command import JSON_OPTION, STORE_OPTION
from eagleray.cli.demo import ALIAS, lend_key, load_demo_settings, prepare_demo
from eagleray.cli.output import show_json, show_line
from eagleray.contracts.services import ServeRequest
from eagleray.errors import InputError
from eagleray.logs import get_logger, write_all_as_json
from eagleray.parts import SERVING
from eagleray.settings import Settings, load_named

LOOPBACK: Final = "127.0.0.1"

_log = get_logger()


def serve(
    host: str = typer.Option(LOOPBACK, help="Address; beyond loopback only with keys or tokens."),
    port: int = typer.Option(8000, min=0, max=65_535, help="Port; 0 picks a free one."),
    alias: str = typer.Option(ALIAS, help="Alias to follow."),
    development: bool = typer.Option(
        False, "--development", help="Allow unauthenticated requests, on loopback."
    ),
    demo: bool = typer.Option(False, "--demo", help="Serve the sample, built first if needed, with a key."),
    store: str = STORE_OPTION,
    collection: list[str] = typer.Option(
        [],
        "--collection",
        "-c",
        help="Name of a collection; repeat for more; default: EAGLERAY_COLLECTION, else default.",
    ),
    all_collections: bool = typer.Option(
        False, "--all-collections", help="Serve all of the store, including those published later."
    ),
    json: bool = JSON_OPTION,
) -> None:
    """Serve collections over HTTP until SIGTERM or Ctrl-C."""
    first = collection[0] if collection else ""
    if demo:
        if (host, alias) != (LOOPBACK, ALIAS) or all_collections or len(collection) > 1:
            detail = "the demo is one collection, on loopback, from its own alias: no --host, no --alias"
            raise InputError(detail=detail)
        request = ServeRequest(port=port, alias=ALIAS, is_development=development)
        _serve_demo(load_demo_settings(store=store, collection=first), request, is_json=json)
        return
    others = "*" if all_collections else " ".join(collection[1:])
    groups = {"serve": {"collections": others}} if others else None
    settings = load_named(store=store, collection=first, groups=groups)
    request = ServeRequest(host=host, port=port, alias=alias, is_development=development)
    _serve(settings, request, is_json=json)


def _serve_demo(settings: Settings, request: ServeRequest, *, is_json: bool) -> None:
    prepare_demo(settings)
    with lend_key(settings) as made:
        _serve(settings, request, is_json=is_json, key=made["key"])


def _serve(settings: Settings, request: ServeRequest, *, is_json: bool, key: str = "") -> None:
    """Serve, and print where once questions are answered, with the key if one was made for it."""
    others = settings.serve.collections.split()
    named = "all collections" if "*" in others else ", ".join((settings.collection, *others))

    def show(url: str) -> None:
        _log.info("server_listening", url=url, collections=named, store=settings.store)
        if is_json:
            shown = {"url": url, "collection": settings.collection, "store": settings.store}
            more = {"collections": others} if others else {}
            show_json(shown | more | ({"key": key} if key else {}))
        else:
            show_line(f"serving {named} on {url}")
            if key:
                show_line(f"key, valid until this ends: {key}")
        sys.stdout.flush()

    write_all_as_json(settings.log)
    _log.info("server_opening", collections=named, store=settings.store)
    SERVING.load(settings).serve(request, show)
