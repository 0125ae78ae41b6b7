"""The files of `cluster/compose` fit the program; containers are not started here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml

from eagleray.cli.app import app
from eagleray.settings import load_settings
from serve.http.admin.operations import router

FOLDER = Path(__file__).parents[2] / "cluster" / "compose"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVER = COMPOSE["services"]["eagleray"]
WITH_REDIS = yaml.safe_load((FOLDER / "redis.yaml").read_text())
DOCKERFILE = (FOLDER / "Dockerfile").read_text()


def test_every_setting_exists_and_takes_its_default(monkeypatch):
    settings = dict(re.findall(r"(EAGLERAY_\w+)=(\S+)", DOCKERFILE))
    for name, value in SERVER["environment"].items():
        settings[name] = re.sub(r"\$\{\w+:-(.*)\}", r"\1", value)
    settings |= dict.fromkeys(SERVER["secrets"], "pepper")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    loaded = load_settings()
    assert (loaded.auth.api_keys, loaded.auth.key_pepper.get_secret_value()) == (True, "pepper")
    mounted = {volume.split(":")[1] for volume in SERVER["volumes"]}
    assert {loaded.store, loaded.cache} == mounted


def test_the_command_is_one_and_the_port_is_published_on_loopback_alone():
    assert json.loads(re.search(r"^CMD (.*)$", DOCKERFILE, re.M)[1]) == SERVER["command"]
    command = typer.main.get_command(app).commands[SERVER["command"][1]]
    given = command.make_context("serve", SERVER["command"][2:]).params
    assert SERVER["ports"] == [f"127.0.0.1:8000:{given['port']}"]


def test_the_image_runs_as_a_numeric_user_that_is_not_root_and_owns_its_folders():
    uid, gid = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.M).groups()
    assert uid != "0"
    assert f"--uid {uid} --gid {gid} --create-home eagleray" in DOCKERFILE
    assert "--owner eagleray /store /cache" in DOCKERFILE


def test_what_tells_health_is_a_route():
    path = re.search(r"http://127.0.0.1:8000(/[a-z/]+)", SERVER["healthcheck"]["test"][-1])[1]
    assert path in {route.path for route in router.routes}


def test_every_setting_of_a_server_with_redis_exists(monkeypatch):
    added = WITH_REDIS["services"]["eagleray"]
    assert set(added) == {"environment", "secrets"}
    assert set(added["secrets"]) == set(WITH_REDIS["secrets"])
    for name, value in added["environment"].items() | dict.fromkeys(added["secrets"], "s" * 16).items():
        monkeypatch.setenv(name, value)
    redis = load_settings().redis
    assert redis.password.get_secret_value() == redis.secret.get_secret_value() == "s" * 16
    host, port = re.fullmatch(r"redis://(\w+):(\d+)/0", redis.url.get_secret_value()).groups()
    assert host in WITH_REDIS["services"]
    assert f'--port "${{PORT:-{port}}}"' in (FOLDER / "redis.sh").read_text()
    assert re.search(r"\[serve,redis\]", DOCKERFILE)  # the client is in the image


def test_the_password_of_redis_is_read_from_its_file_and_stands_in_no_command(tmp_path):
    (tmp_path / "EAGLERAY_REDIS__PASSWORD").write_text("pass-word\n")
    stand_in = tmp_path / "redis-server"
    stand_in.write_text('#!/bin/sh\necho "command: $*"\nwhile read -r line; do echo "told: $line"; done\n')
    stand_in.chmod(0o755)
    ended = subprocess.run(
        ["sh", FOLDER / "redis.sh"],
        check=True,
        env={"SECRETS": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    command, told = ended.stdout.splitlines()
    assert told == "told: requirepass pass-word"
    assert command.startswith("command: - ")
    assert "pass-word" not in command


def test_redis_is_reached_by_the_server_alone():
    redis = WITH_REDIS["services"]["redis"]
    assert "ports" not in redis
    assert redis["secrets"] == ["EAGLERAY_REDIS__PASSWORD"]
    (script,) = redis["volumes"]
    source, target, mode = script.split(":")
    assert ((FOLDER / source).is_file(), redis["entrypoint"][-1], mode) == (True, target, "ro")


@pytest.mark.parametrize("service", [*COMPOSE["services"].values(), WITH_REDIS["services"]["redis"]])
def test_no_container_can_write_its_root_or_gain_rights(service):
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert re.search(r"^USER (?!root|0)", DOCKERFILE, re.M)


def test_secrets_are_files_and_become_settings(tmp_path):
    secrets = COMPOSE["secrets"] | WITH_REDIS["secrets"]
    assert all(set(secret) == {"file"} for secret in secrets.values())
    (tmp_path / "EAGLERAY_AUTH__KEY_PEPPER").write_text("two words\n")
    (tmp_path / "other").write_text("no")
    show = "import os; print(os.environ['EAGLERAY_AUTH__KEY_PEPPER'], 'other' in os.environ)"
    for secrets, expected in ((tmp_path, "two words False\n"), (tmp_path / "none", "KeyError")):
        ended = subprocess.run(
            ["sh", FOLDER / "start.sh", sys.executable, "-c", show],
            check=False,
            env={"SECRETS": str(secrets), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
        )
        assert expected in ended.stdout + ended.stderr
