from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from eagleray import errors
from eagleray.cli.app import app
from eagleray.settings import Settings

PAGE = (Path(__file__).parents[3] / "docs" / "reference.md").read_text(encoding="utf-8")


def list_settings(model=Settings, prefix="EAGLERAY_"):
    """Return name -> default, as the page writes it."""
    found = {}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= list_settings(field.annotation, f"{prefix}{name.upper()}__")
        else:
            found[f"{prefix}{name.upper()}"] = "" if field.default in (None, "") else f"`{field.default}`"
    return found


def list_commands(command=None, path=("eagleray",)):
    """Return the words of a command -> its arguments and options."""
    command = command or typer.main.get_command(app)
    if not hasattr(command, "commands"):
        return {path: command.params}
    found = {}
    for name, inner in command.commands.items():
        found |= list_commands(inner, (*path, name))
    return found


def list_errors():
    return [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.EagleRayError)
    ]


def read_section(path, params):
    """Return the text below a command's heading, which names its arguments."""
    arguments = [
        param.name.upper() if param.required else f"[{param.name.upper()}]"
        for param in params
        if param.param_type_name == "argument"
    ]
    heading = " ".join((*path, *arguments))
    found = re.search(rf"^### `{re.escape(heading)}`\n(.*?)(?=^##|\Z)", PAGE, re.S | re.M)
    assert found, f"the reference has no section `{heading}`"
    return found[1]


def find_default(param):
    if param.secondary_opts:
        return f"`{(param.opts if param.default else param.secondary_opts)[0]}`"
    if param.default is None or param.default is False or param.default in ("", []):
        return ""
    return f"`{param.default}`"


def test_every_setting_stands_with_its_default_and_no_other_does():
    rows = re.findall(r"^\| `(EAGLERAY_\w+)` \| (.*?)\s?\| \S", PAGE, re.M)
    assert dict(rows) == list_settings()


@pytest.mark.parametrize("path", list_commands(), ids=" ".join)
def test_every_option_of_a_command_stands_with_its_default_and_no_other_does(path):
    params = list_commands()[path]
    rows = re.findall(r"^\| (`-.*?`) \| (.*?)\s?\| \S", read_section(path, params), re.M)
    shown = {name: default for names, default in rows for name in re.findall(r"`(-[^`]*)`", names)}
    options = [param for param in params if param.param_type_name == "option"]
    assert shown == {
        name: find_default(param) for param in options for name in (param.opts[0], *param.secondary_opts)
    }


SPEAKS_A_PROTOCOL = ("eagleray", "mcp")  # its standard output is the protocol's


@pytest.mark.parametrize("path", sorted(set(list_commands()) - {SPEAKS_A_PROTOCOL}), ids=" ".join)
def test_every_command_can_answer_in_json(path):
    assert "--json" in {name for param in list_commands()[path] for name in param.opts}


@pytest.mark.parametrize("path", list_commands(), ids=" ".join)
def test_every_argument_and_option_says_what_it_is(path):
    assert [param.name for param in list_commands()[path] if not param.help] == []


def test_every_error_stands_with_its_base_its_exit_code_and_whether_to_try_again():
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (\d) \| (yes|no) \| \S", PAGE, re.M)
    assert sorted(rows) == sorted(
        (kind.__name__, kind.__base__.__name__, str(kind.exit_code), "yes" if kind.retryable else "no")
        for kind in list_errors()
    )


def test_every_exit_code_stands():
    section = PAGE.split("## Exit codes")[1].split("## Errors")[0]
    codes = {int(code) for code in re.findall(r"^\| (\d) \| \S", section, re.M)}
    assert codes == {0, *(kind.exit_code for kind in list_errors())}
