"""Forms that clients other than OpenAI's send files in."""

from __future__ import annotations

import pytest

HEAD = 'Content-Disposition: form-data; name="file"; '
PURPOSE = 'Content-Disposition: form-data; name="purpose"\r\n\r\nassistants'


@pytest.fixture
def upload(serve_with):
    """Upload a file whose part has a head; return the status and the answer."""

    def run(head):
        told = []

        async def body(served):
            parts = "".join(f"--cut\r\n{part}\r\n" for part in (PURPOSE, f"{head}\r\n\r\nsome text"))
            answer = await served.client.post(
                "/v1/files",
                content=f"{parts}--cut--\r\n".encode(),
                headers={
                    "authorization": "Bearer ann",
                    "content-type": "multipart/form-data; boundary=cut",
                },
            )
            told.append((answer.status_code, answer.json()))

        serve_with(body, takes_files=True)
        return told[0]

    return run


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ('filename="Zürich 漢字.txt"', "Zürich 漢字.txt"),
        ("filename=\"=?utf-8?B?WsO8cmljaC50eHQ=?=\"; filename*=utf-8''Z%C3%BCrich.txt", "Zürich.txt"),
        ('filename="=?UTF-8?Q?Z=C3=BCrich_2.txt?="', "Zürich 2.txt"),
        ('filename="=?utf-8?B?Li4vYS50eHQ=?="', "a.txt"),
        ('filename="=?utf-8?B?no base64?="', "=?utf-8?B?no base64?="),
        ('filename="=?utf-8?B?/w==?="', "=?utf-8?B?/w==?="),
        ('filename="=?koi8-r?B?1A==?="', "=?koi8-r?B?1A==?="),
        ('filename="C:\\folder\\a.txt"', "a.txt"),
        ('filename="a;b.txt"', "a;b.txt"),
    ],
)
def test_a_name_is_read_as_its_client_wrote_it(upload, given, name):
    status, told = upload(HEAD + given)
    assert status == 200, told
    assert told["filename"] == name.rpartition("/")[2]


@pytest.mark.parametrize("given", ['filename=""', 'filename=".."', 'filename="  "', 'filename="a/.."'])
def test_what_is_no_name_is_refused(upload, given):
    status, told = upload(HEAD + given)
    assert (status, told["error"]["message"]) == (400, "file: expected a name of 1 to 255 characters")


@pytest.mark.parametrize("given", ["x=y", "filename*=utf-8''a.txt"])
def test_a_part_without_a_name_is_told_so(upload, given):
    status, told = upload(HEAD + given)
    assert status == 400
    assert told["error"]["message"] == "file: expected a part with a `filename`, found a field of text"
