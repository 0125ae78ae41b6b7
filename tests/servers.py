"""Real servers for tests: processes on a free loopback port, ended by their process id.

Run as a program, this file is the S3 server: moto with one request at a time, because S3 promises
atomic conditional puts and moto's threads look first and write later.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from eagleray.setting_groups.engine import S3Settings

BUCKET = "eagleray"


@contextmanager
def run_s3_server() -> Iterator[S3Settings]:
    """Start an S3 server with an empty bucket, and give the settings that reach it."""
    with run_s3_process() as (settings, _):
        yield settings


@contextmanager
def run_s3_process() -> Iterator[tuple[S3Settings, subprocess.Popen]]:
    """Start an S3 server as `run_s3_server` does, and give its process, too."""
    process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        port = int(process.stdout.readline())
        make_bucket(port, BUCKET)
        settings = S3Settings(
            endpoint=f"http://127.0.0.1:{port}",
            allow_http=True,
            access_key_id=SecretStr("test"),
            secret_access_key=SecretStr("test"),
            timeout_s=20,
        )
        yield settings, process
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


def make_bucket(port: int, name: str) -> None:
    """Create a bucket."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("PUT", f"/{name}")
        status = connection.getresponse().status
    finally:
        connection.close()
    if status != 200:
        raise RuntimeError(f"the S3 server refused bucket {name}: {status}")


def _serve_s3() -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    application, lock = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def serve_one(environ, start_response):
        with lock:
            return application(environ, start_response)

    server = make_server("127.0.0.1", 0, serve_one, threaded=True)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).parent))
    _serve_s3()
