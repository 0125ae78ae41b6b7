from __future__ import annotations

import json

import pytest

from eagleray.errors import ModelAnswerError
from serve.agents.rag.replies import MAX_CHARACTERS, DraftSentence, read_reply
from serve.agents.token_estimates import estimate_tokens


def read(*statements):
    return read_reply(json.dumps({"statements": list(statements)}), model="m")


def test_a_statement_is_read_as_its_sentences_each_with_the_lines():
    text = "Total sales were $1.5 million in 2019. They rose because of two contracts."
    (sentences,) = read({"lines": [3, 1], "text": text})
    assert sentences == [
        DraftSentence(text="Total sales were $1.5 million in 2019.", lines=(3, 1)),
        DraftSentence(text="They rose because of two contracts.", lines=(3, 1)),
    ]


def test_numbers_of_lines_in_a_text_are_no_part_of_it():
    (sentences,) = read({"lines": [3], "text": "Sales rose [3], [12] as\nexpected [1, 2]."})
    assert [one.text for one in sentences] == ["Sales rose, as expected."]


def test_what_cannot_be_seen_is_no_part_of_a_text():
    (sentences,) = read({"lines": [3], "text": "Sa\u200bles\u202e rose\x00\ud800."})
    assert [one.text for one in sentences] == ["Sales rose."]


def test_no_more_is_read_than_can_be_checked():
    (sentences,) = read({"lines": [*range(500)], "text": "x" * (MAX_CHARACTERS + 9)})
    assert (len(sentences[0].text), len(sentences[0].lines)) == (MAX_CHARACTERS, 50)
    assert len(read(*[{"lines": [1], "text": "x"}] * 100)) == 20


def test_a_statement_without_text_stands_for_its_lines():
    assert read({"lines": [3], "text": " "}) == [[DraftSentence(text="", lines=(3,))]]
    assert read() == []


@pytest.mark.parametrize(
    "reply", ["{", "[]", '{"statements": {}}', '{"statements": [{"lines": [1]}]}', "1", ""]
)
def test_what_is_no_such_object_is_no_reply(reply):
    with pytest.raises(ModelAnswerError, match="not the object that was asked for"):
        read_reply(reply, model="m")


def test_tokens_are_counted_by_pieces_of_words_digits_and_signs():
    assert estimate_tokens("") == 0
    assert estimate_tokens("sales") == 1
    assert estimate_tokens("| 1,452.4 |\n") == 2 + 5 + 2 + 1
    assert estimate_tokens("\u58f2\u4e0a\u9ad8") == 3
