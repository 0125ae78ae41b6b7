"""The `eagleray` command: its sub-commands, and how an error becomes a message and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

import typer
from typer import rich_utils

from eagleray import __version__
from eagleray.cli.audit import audit
from eagleray.cli.cited_answers import ask
from eagleray.cli.command import Report, reports
from eagleray.cli.config import config
from eagleray.cli.evaluation import evaluate
from eagleray.cli.gate import gate
from eagleray.cli.ingestion import dead_letters, import_rows, ingest
from eagleray.cli.keys import keys
from eagleray.cli.maintenance import calibrate, compact, export, tune, vacuum
from eagleray.cli.mcp import mcp
from eagleray.cli.models import models
from eagleray.cli.output import prepare_output, show_json, show_line
from eagleray.cli.questions import facets, search, search_many
from eagleray.cli.serve import serve
from eagleray.cli.snapshots import snapshots
from eagleray.cli.upload import upload
from eagleray.errors import EagleRayError
from eagleray.logs import configure_logs, tell_defect
from eagleray.printable import make_printable
from eagleray.settings import load_settings

BUILD: Final = "Build a collection"
ASK: Final = "Ask it"
PUBLISH: Final = "Publish and maintain it"
SERVE: Final = "Serve it"
ABOUT: Final = "About"

app = typer.Typer(name="eagleray", no_args_is_help=True, pretty_exceptions_enable=False)
app.command(rich_help_panel=BUILD)(ingest)
app.command("import", rich_help_panel=BUILD)(import_rows)
app.add_typer(dead_letters, name="dead-letters", rich_help_panel=BUILD)
app.command(rich_help_panel=ASK)(search)
app.command(rich_help_panel=ASK)(ask)
app.command(rich_help_panel=ASK)(evaluate)
app.command("search-many", rich_help_panel=ASK)(search_many)
app.command(rich_help_panel=ASK)(facets)
app.command(rich_help_panel=ASK)(export)
app.add_typer(snapshots, name="snapshots", rich_help_panel=PUBLISH)
app.add_typer(gate, name="gate", rich_help_panel=PUBLISH)
app.command(rich_help_panel=PUBLISH)(tune)
app.command(rich_help_panel=PUBLISH)(calibrate)
app.command(rich_help_panel=PUBLISH)(compact)
app.command(rich_help_panel=PUBLISH)(vacuum)
app.command(rich_help_panel=SERVE)(serve)
app.command(rich_help_panel=SERVE)(mcp)
app.command(rich_help_panel=SERVE)(upload)
app.add_typer(keys, name="keys", rich_help_panel=SERVE)
app.add_typer(audit, name="audit", rich_help_panel=SERVE)


app.add_typer(models, name="models", rich_help_panel=SERVE)
app.add_typer(config, name="config", rich_help_panel=ABOUT)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        show_line(f"eagleray {__version__}")
        raise typer.Exit


@app.callback()
def prepare(
    version: bool = typer.Option(  # noqa: ARG001 - its callback ends the command
        False, "--version", is_eager=True, callback=_show_version, help="Show the version and exit."
    ),
) -> None:
    """Exact, point-in-time, entitled search over a desk's documents."""
    configure_logs(load_settings().log)


@app.command("version", rich_help_panel=ABOUT)
@reports()
def show_version() -> Report:
    """Show the version."""
    return Report(value={"version": __version__}, show=lambda: show_line(f"eagleray {__version__}"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error ends as one line and its exit code, never as a traceback.

    With `--json`, every error is one JSON object on standard output, wrong usage too.

    Exit codes: 0 done; 1 a failure without a class of its own; 2 the input can be mended; 3 a gate
    or a conflict; 4 damage; 5 the store or the cluster failed, try again.

    Args:
        arguments: what follows the program's name; `None` takes the process's own.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    is_json = "--json" in given
    prepare_output()
    try:
        code = app(given, standalone_mode=False)
    except EagleRayError as error:
        _show_error(error, str(error), is_json=is_json)
        sys.exit(error.exit_code)
    except typer.TyperException as error:
        if is_json:
            show_json({"error": {"type": "UsageError", "message": error.format_message()}})
        else:
            error.message = make_printable(error.message)
            rich_utils.rich_format_error(error)  # type: ignore[arg-type]  # usage errors are of its type
        sys.exit(error.exit_code)
    except typer.Abort:
        rich_utils.rich_abort_error()
        sys.exit(1)
    except BrokenPipeError:  # the reader of the output has seen enough, as `| head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - a command prints one line, whatever failed
        advice = "report this line, and what EAGLERAY_LOG__LEVEL=debug shows"
        _show_error(error, f"{tell_defect(error)}, version {__version__}; {advice}", is_json=is_json)
        sys.exit(1)
    sys.exit(code or 0)


def _show_error(error: Exception, message: str, *, is_json: bool) -> None:
    if is_json:
        fields = error.fields if isinstance(error, EagleRayError) else {}
        show_json({"error": {"type": type(error).__name__, "message": message, **fields}})
    else:
        show_line(f"eagleray: {message}", file=sys.stderr)
