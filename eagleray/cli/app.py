"""The `eagleray` command: its sub-commands, and how an error becomes a message and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer
from typer import rich_utils

from eagleray import __version__
from eagleray.cli.answering import search_many
from eagleray.cli.auditing import audit
from eagleray.cli.compacting import compact
from eagleray.cli.dead_letters import dead_letters
from eagleray.cli.exporting import export
from eagleray.cli.faceting import facets
from eagleray.cli.gating import gate
from eagleray.cli.importing import import_rows
from eagleray.cli.ingesting import ingest
from eagleray.cli.keys import keys
from eagleray.cli.searching import search
from eagleray.cli.serving import serve
from eagleray.cli.showing import prepare_output, show_json, show_line
from eagleray.cli.snapshots import snapshots
from eagleray.cli.tuning import tune
from eagleray.cli.uploading import upload
from eagleray.cli.vacuuming import vacuum
from eagleray.errors import EagleRayError
from eagleray.logs import configure_logs, tell_defect
from eagleray.printable import make_printable
from eagleray.settings import load_settings

app = typer.Typer(name="eagleray", no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(ingest)
app.command("import")(import_rows)
app.command()(search)
app.command(name="search-many")(search_many)
app.command()(facets)
app.command()(serve)
app.command()(upload)
app.command()(export)
app.command()(compact)
app.command()(tune)
app.command()(vacuum)
app.add_typer(snapshots, name="snapshots")
app.add_typer(gate, name="gate")
app.add_typer(dead_letters, name="dead-letters")
app.add_typer(keys, name="keys")
app.add_typer(audit, name="audit")


@app.callback()
def prepare() -> None:
    """Exact, point-in-time, entitled search over a desk's documents."""
    configure_logs(load_settings().log)


@app.command()
def version(json: bool = typer.Option(False, "--json", help="Print one JSON value.")) -> None:
    """Print the version."""
    if json:
        show_json({"version": __version__})
    else:
        show_line(f"eagleray {__version__}")


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
    except BrokenPipeError:  # whoever read the output has seen enough, as `| head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - whoever types a command gets one line, whatever failed
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
