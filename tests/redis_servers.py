"""A real Redis for tests: a process on a free loopback port, ended by its process id.

Where `redis-server` is not installed, tests that need it are skipped; with `REQUIRE_REDIS_SERVER=1` they
fail.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

PASSWORD = "loopback-only"
SECRET = "a secret of tests, long enough"


class RedisServer:
    """A Redis that can be killed, stopped, continued and started again on the same port."""

    def __init__(self, folder):
        self._binary = shutil.which("redis-server")
        if self._binary is None:
            if os.environ.get("REQUIRE_REDIS_SERVER"):
                pytest.fail("redis-server is not installed")
            pytest.skip("redis-server is not installed")
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.port = listening.getsockname()[1]
        self._folder, self.process = folder, None
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self.start()

    def start(self):
        command = [self._binary, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--appendonly", "no", "--requirepass", PASSWORD, "--dir", str(self._folder)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(400):
            if self._is_listening():
                return
            time.sleep(0.025)
        pytest.fail("redis-server does not listen")

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=20)

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def _is_listening(self):
        with socket.socket() as tried:
            tried.settimeout(1)
            return tried.connect_ex(("127.0.0.1", self.port)) == 0
