from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from eagleray.errors import StoreError
from eagleray.setting_groups.engine import S3Settings
from indexes.storage.s3_listing import find_signer, list_keys, read_page

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def build_page(*keys, after="", encoding="<EncodingType>url</EncodingType>"):
    more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{after}</NextContinuationToken>"
    objects = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified>"
        f"<ETag>&quot;e&quot;</ETag><Size>7</Size></Contents>"
        for key in keys
    )
    text = (
        f'<ListBucketResult xmlns="{NAMESPACE}">{encoding}{more if after else ""}{objects}</ListBucketResult>'
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


@contextmanager
def run_service(*answers, delay=None):
    """Give the settings of a service that answers so, in turn, and the paths that were asked for."""
    asked, waiting = [], list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            status, body = waiting.pop(0)
            if delay:
                delay.wait(20)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status == 307:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        secret = SecretStr("test")
        endpoint = f"http://127.0.0.1:{server.server_port}"
        try:
            yield (
                S3Settings(
                    endpoint=endpoint,
                    allow_http=True,
                    access_key_id=secret,
                    secret_access_key=secret,
                    timeout_s=0.3 if delay else 10,
                ),
                asked,
            )
        finally:
            if delay:
                delay.set()
            server.shutdown()
            thread.join()


def list_paths(settings):
    return [item.path for item in list_keys("b", "d/", settings, signer=find_signer(settings))]


def test_a_key_is_read_as_it_is_encoded_with_size_time_and_tag():
    page = read_page(build_page("a%01+b%2B%2F%C3%BC"), place="s3://b")
    (item,) = page.objects
    assert (item.path, item.size_bytes, item.modified, item.tag) == (
        "a\x01 b+/ü",
        7,
        1_767_323_045_678_000,
        '"e"',
    )
    assert page.token == ""


def test_keys_of_a_service_that_does_not_encode_stand_as_they_are():
    assert [item.path for item in read_page(build_page("a%01+b", encoding=""), place="").objects] == [
        "a%01+b"
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html/>",
        b"<ListBucketResult>",
        b'<!DOCTYPE x [<!ENTITY a "aa">]><ListBucketResult><Name>&a;</Name></ListBucketResult>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><ListBucketResult/>'.encode("utf-16"),
        b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
        build_page("a").replace(b"<Size>7", b"<Size>many"),
    ],
)
def test_what_is_no_page_is_refused(body):
    with pytest.raises(StoreError, match="the service's listing cannot be read"):
        read_page(body, place="s3://b")


def test_pages_follow_each_other_and_passing_failures_are_tried_again():
    answers = [
        (200, build_page("d/a", after="t/1+")),
        (503, b"slow down"),
        (200, build_page("d/b")),
    ]
    with run_service(*answers) as (settings, asked):
        assert list_paths(settings) == ["d/a", "d/b"]
    assert asked[0] == "/b?encoding-type=url&list-type=2&prefix=d%2F"
    assert asked[1] == asked[2] == "/b?continuation-token=t%2F1%2B&encoding-type=url&list-type=2&prefix=d%2F"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([(403, b"<Error/>")], "403"),
        ([(307, b"")], "307"),
        ([(200, build_page("a", after="t")), (200, build_page("b", after="t"))], "the same page"),
    ],
)
def test_a_refusal_a_redirect_and_a_circle_are_errors_at_once(answers, said):
    with run_service(*answers) as (settings, asked), pytest.raises(StoreError, match=said):
        list_paths(settings)
    assert len(asked) == len(answers)


def test_a_service_that_hangs_is_an_error(monkeypatch):
    monkeypatch.setattr("indexes.storage.s3_listing._PAUSES", (0.01,))
    with (
        run_service((200, b""), (200, b""), delay=threading.Event()) as (settings, asked),
        pytest.raises(StoreError, match="timed out"),
    ):
        list_paths(settings)
    assert len(asked) == 2


def test_plain_http_is_refused_unless_it_is_allowed():
    key = SecretStr("s")
    with pytest.raises(StoreError, match="EAGLERAY_S3__ALLOW_HTTP"):
        list_paths(S3Settings(endpoint="http://h", access_key_id=key, secret_access_key=key))


def test_nobody_signs_without_both_halves_of_a_key():
    assert find_signer(S3Settings(access_key_id=SecretStr("s"))) is None
    assert find_signer(S3Settings(secret_access_key=SecretStr("s"))) is None
