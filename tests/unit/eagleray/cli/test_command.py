from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from eagleray.cli.command import Report, make_table, reports
from eagleray.contracts.services import JobService
from eagleray.parts import JOBS, Part
from eagleray.settings import Settings


@reports("store", "collection")
def show_places(settings: Settings, n: int = typer.Option(1, help="A number.")) -> Report:
    """Show the places that were given."""
    value = {"store": settings.store, "collection": settings.collection, "n": n}
    return Report(value=value, next_steps=("look: eagleray show {options}",), exit_code=n - 1)


@reports("store", "workers", part=JOBS)
def show_service(service: JobService) -> Report:
    """Show what the service works on."""
    return Report(value={"service": service})


@reports()
def show_rows() -> Report:
    """Show two rows."""
    return make_table([{"value": "a", "n": 1}, {"value": "b", "n": 2}], ("value", "n"))


def run(command, *arguments):
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, arguments)
    return done.exit_code, done.stdout


def test_the_options_name_the_settings_a_command_works_with(monkeypatch):
    monkeypatch.setenv("EAGLERAY_STORE", "of the environment")
    code, out = run(show_places, "--collection", "desk", "--json")
    assert code == 0
    assert json.loads(out) == {"store": "of the environment", "collection": "desk", "n": 1}
    assert json.loads(run(show_places, "--store", "given", "--json")[1])["store"] == "given"


def test_a_report_is_shown_before_its_exit_code_ends_the_command():
    code, out = run(show_places, "--n", "4", "-c", "desk")
    assert code == 3
    assert "collection: desk\nn: 4\n" in out


def test_people_see_rows_as_a_table_and_programs_as_a_list():
    assert [line.split() for line in run(show_rows)[1].splitlines()] == [
        ["value", "n"],
        ["a", "1"],
        ["b", "2"],
    ]
    assert json.loads(run(show_rows, "--json")[1])[1] == {"value": "b", "n": 2}


def test_what_to_do_next_names_the_place_and_is_for_people_alone():
    assert (
        "look: eagleray show --store 'my store' --collection desk\n"
        in run(show_places, "--store", "my store", "-c", "desk")[1]
    )
    assert "look:" not in run(show_places, "--json")[1]


def test_a_command_gets_the_service_of_its_part_opened_with_its_settings(monkeypatch):
    monkeypatch.setenv("EAGLERAY_JOBS__SHARD_BYTES", "4194304")
    monkeypatch.setattr(
        Part,
        "load",
        lambda part, settings: f"{part.name} {settings.jobs.workers} {settings.jobs.shard_bytes}",
    )
    assert json.loads(run(show_service, "--workers", "3", "--json")[1]) == {"service": "jobs 3 4194304"}
    assert json.loads(run(show_service, "--json")[1]) == {"service": "jobs 0 4194304"}


def test_a_command_without_places_takes_none():
    code, _ = run(show_rows, "--store", "given")
    assert code == 2


@pytest.mark.parametrize("command", [show_places, show_rows])
def test_help_shows_the_text_of_the_function(command):
    assert command.__doc__ in run(command, "--help")[1]
