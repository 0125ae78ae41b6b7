"""`cluster/compose/redis.sh` with a real `redis-server`: it starts, asks for its password, and is bounded."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest
import redis

from tests.integration.redis.test_processes import wait_until
from tests.redis_servers import PASSWORD

SCRIPT = Path(__file__).parents[3] / "cluster" / "compose" / "redis.sh"
SECRET_FILE = "EAGLERAY_REDIS__PASSWORD"


@pytest.fixture
def port(own_redis, tmp_path):  # own_redis: skips where redis-server is not installed
    (tmp_path / SECRET_FILE).write_text(f"{PASSWORD}\n")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    env = os.environ | {"SECRETS": str(tmp_path), "PORT": str(port)}
    process = subprocess.Popen(["sh", SCRIPT], env=env, cwd=tmp_path, stdout=subprocess.DEVNULL)
    yield port
    process.terminate()
    assert process.wait(timeout=20) == 0


def is_listening(port):
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def test_it_asks_for_its_password_and_is_bounded(port):
    wait_until(lambda: is_listening(port))
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    with redis.Redis(port=port, password=PASSWORD, decode_responses=True) as client:
        told = client.config_get("maxmemory*", "save", "appendonly")
    assert (told["maxmemory"], told["maxmemory-policy"]) == (str(512 << 20), "allkeys-lru")
    assert (told["save"], told["appendonly"]) == ("", "no")
