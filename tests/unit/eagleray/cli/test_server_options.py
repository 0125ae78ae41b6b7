from __future__ import annotations

import pytest

from eagleray.cli import main

URL = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--url", URL, "--store", "here"], "give one of the two"),
        (["--url", URL, "--group", "rates"], "--group cannot be used with --url"),
        (["--url", URL, "--snapshot", "5a5a5a5a"], "whole id"),
        (["--url", URL, "--api-key-file", "no-such-file"], "API key file no-such-file"),
        (["--api-key-file", "key"], "give --url"),
        (["--allow-http"], "give --url"),
        (["--url", "nowhere"], "https://host:port"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["search", "swap", *options])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_the_key_of_a_file_goes_to_no_other_machine_in_plain_text(tmp_path, capsys):
    (tmp_path / "key").write_text("er_secret\n")
    with pytest.raises(SystemExit) as ended:
        main(["search", "swap", "--url", "http://search.example", "--api-key-file", str(tmp_path / "key")])
    shown = capsys.readouterr()
    assert ended.value.code == 2
    assert "plain HTTP" in shown.err
    assert "er_secret" not in shown.out + shown.err
