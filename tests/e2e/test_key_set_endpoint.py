from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from serve.identity.key_set_following import open_key_set_source


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/slow":
            self.server.gate.wait(timeout=20)
        status = {"/keys": 200, "/moved": 302, "/down": 503, "/long": 200, "/slow": 200}[self.path]
        body = b" " * ((1 << 20) + 1) if self.path == "/long" else b'{"keys": []}'
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/keys")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def serve():
    """Run a server that answers with a key set, or not, by path; give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.gate = threading.Event()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.gate.set()
            server.shutdown()
            thread.join()


def test_a_key_set_is_fetched_from_its_own_address_whole_and_in_time():
    with serve() as address:
        assert open_key_set_source(f"{address}/keys", timeout_s=5)() == b'{"keys": []}'
        for path, part in (("moved", "302"), ("down", "503"), ("long", "longer than"), ("slow", "timed out")):
            fetch = open_key_set_source(f"{address}/{path}", timeout_s=0.5)
            with pytest.raises(OSError, match=part) as caught:
                fetch()
            getattr(caught.value, "close", lambda: None)()
    with pytest.raises(OSError, match="refused"):
        open_key_set_source(f"{address}/keys", timeout_s=5)()
