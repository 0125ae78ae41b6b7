"""Files of labelled questions: what is read, and where they are wrong."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from eagleray.contracts.evaluations import PosedQuestion
from eagleray.contracts.times import parse_instant
from eagleray.errors import InputError
from serve.evaluation.labels import LabelledQuestion, read_labels
from serve.evaluation.truths import make_truth

WHOLE = LabelledQuestion(
    id="q1",
    line=1,
    posed=PosedQuestion(
        text="How much, in all?",
        as_of=parse_instant("2020-06-30"),
        filter='company = "Cubic"',
        groups=frozenset({"rates", "desk"}),
    ),
    relevant={"a": 1.0, "b": 2.0},
    truth=make_truth(["293.6"], {Decimal("1496.5"), Decimal("1202.9")}),
    slices={"company": "Cubic", "hard": "true", "year": "2019"},
)


def write(tmp_path, text, name="labels.jsonl"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_line_has_the_question_its_labels_and_its_slices(tmp_path):
    fields = {
        "id": "q1",
        "question": "How much, in all?",
        "relevant": {"a": 1, "b": 2.0, "c": 0},
        "answer": "293.6",
        "operands": ["$1,496.5", 1202.9],
        "as_of": "2020-06-30",
        "filter": 'company = "Cubic"',
        "groups": ["rates", "desk"],
        "company": "Cubic",
        "hard": True,
        "year": 2019,
        "note": None,
    }
    assert read_labels(write(tmp_path, json.dumps(fields) + "\n\n")) == [WHOLE]


def test_comma_separated_values_say_the_same(tmp_path):
    head = "id,question,relevant,answer,operands,as_of,filter,groups,company,hard,year,note\n"
    cells = """q1,"How much, in all?","{""a"": 1, ""b"": 2}",293.6,"1,496.5; 1202.9",2020-06-30,"""
    cells += '''"company = ""Cubic""",rates; desk,Cubic,true,2019,\n'''
    (read,) = read_labels(write(tmp_path, head + cells, "labels.CSV"))
    assert (read.line, read) == (
        2,
        LabelledQuestion(**{**{n: getattr(WHOLE, n) for n in WHOLE.__slots__}, "line": 2}),
    )


def test_what_tunes_a_collection_is_read_too_and_lines_name_questions_without_an_id(tmp_path):
    lines = [{"query": "swap", "relevant": "doc 1; 2"}, {"query": "bond", "relevant": ["a", "b"]}]
    first, second = read_labels(write(tmp_path, "\n".join(map(json.dumps, lines))))
    assert (first.id, first.relevant, first.truth) == ("1", {"doc 1; 2": 1.0}, None)
    assert (second.id, second.relevant) == ("2", {"a": 1.0, "b": 1.0})


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ('{"question": "a"}\n{"question": "b",}', "line 2, character 18"),
        ("[1]", "line 1: expected a JSON object, found a list"),
        ('{"question": "a", "relevent": ["b"]}', "column 'relevent': did you mean 'relevant'?"),
        ('{"questions": "a"}', "column 'questions': did you mean 'question'?"),
        ('{"text": "a"}', "expected a column 'question', found 'text'"),
        ('{"question": " "}', "column 'question': expected a question in words"),
        ('{"question": 7}', "column 'question': expected text, found a number"),
        ('{"question": "a", "query": "b"}', "column 'query': the question is in 'question' already"),
        ('{"question": "a", "as_of": "soon"}', "column 'as_of'"),
        ('{"question": "a", "relevant": {"b": 0}}', "column 'relevant': it names no document"),
        ('{"question": "a", "relevant": {"b": "x"}}', "column 'relevant': expected a grade, found a text"),
        ('{"question": "a", "operands": ["1 of 2"]}', "column 'operands': expected one figure each"),
        ('{"question": "a", "answer": [""]}', "column 'answer': expected the answer"),
        ('{"question": "a", "metadata": {}, "tags": ["x"]}', "column 'tags': expected a text, a number"),
        (
            '{"question": "a", "id": 1}\n\n{"question": "b", "id": "1"}',
            "line 3, column 'id': '1' is that of line 1",
        ),
        ("\n", "expected labelled questions, found none"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_column(tmp_path, text, detail):
    with pytest.raises(InputError) as caught:
        read_labels(write(tmp_path, text))
    assert "labels.jsonl" in str(caught.value)
    assert detail in str(caught.value)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("question,question\na,b\n", "line 1, column 'question': it is there twice"),
        ("question,answer\na\n", "line 2: expected 2 columns, found 1"),
        ('question,relevant\na,"[1"\n', "line 2, column 'relevant': no JSON"),
        ('question\n"a\n', "line 2: unexpected end of data"),
    ],
)
def test_what_is_wrong_in_comma_separated_values_is_told(tmp_path, text, detail):
    with pytest.raises(InputError) as caught:
        read_labels(write(tmp_path, text, "labels.csv"))
    assert detail in str(caught.value)


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_labels(tmp_path / "none.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff")
    with pytest.raises(InputError, match="not UTF-8"):
        read_labels(tmp_path / "bytes.jsonl")
