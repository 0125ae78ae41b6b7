from __future__ import annotations

import pytest

from eagleray.errors import InputError
from serve.engine.cl100k import decode_tokens


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ([15339, 1917], "hello world"),
        (
            [791, 24759, 67297, 51534, 520, 5745, 10725, 5636, 220, 9591, 8197, 3585, 13],
            "The coupon resets quarterly at SOFR plus 145 basis points.",
        ),
        (
            [57, 5297, 718, 11, 220, 20, 1034, 76502, 22656, 165, 232, 222, 23039, 11410, 99, 227],
            "Zürich, 5 % 日本銀行 🦅",
        ),
        ([748, 865, 512, 286, 1522, 319], "\tif x:\n        pass\r\n"),
        ([408, 100257], "end<|endoftext|>"),
    ],
    ids=["words", "figures", "not-ascii", "spaces", "special"],
)
def test_token_ids_become_the_text_that_tiktoken_made_them_of(tokens, text):
    assert decode_tokens(tokens) == text


def test_half_a_character_is_marked_and_the_rest_stays():
    whole = [7853, 11410, 99, 227]
    assert decode_tokens(whole) == "rate 🦅"
    assert decode_tokens(whole[:-1]) == "rate �"


@pytest.mark.parametrize("token", [-1, 100_256, 100_261, 100_277, 10**30])
def test_an_id_that_is_none_is_refused(token):
    with pytest.raises(InputError, match=f"{token} is not a token"):
        decode_tokens([15339, token])
