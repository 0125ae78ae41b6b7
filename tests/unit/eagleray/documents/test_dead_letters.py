from __future__ import annotations

import pytest

from eagleray.contracts.documents import DeadLetterReason
from eagleray.documents.dead_letters import MAX_LISTED, DeadLetterTally, bound_dead_letters
from eagleray.documents.records import InputFile

FILE = InputFile(source="a.jsonl", modified=0)


def reject(number, *, file=FILE, reason=DeadLetterReason.INVALID_JSON):
    return file.reject(reason, "broken", position=f"byte {number}")


def test_letters_within_the_bound_come_as_they_are_and_where_they_are():
    items = [reject(0), FILE.make_record("byte 1", {}), reject(2)]
    assert list(bound_dead_letters(iter(items))) == items


def test_beyond_the_bound_one_letter_of_each_reason_stands_for_all():
    letters = [reject(number) for number in range(MAX_LISTED + 3)]
    odd = reject(9_000, reason=DeadLetterReason.LIMIT_EXCEEDED)
    record = FILE.make_record("byte 9999", {})
    found = list(bound_dead_letters(iter([*letters, odd, record])))
    assert found[:MAX_LISTED] == letters[:MAX_LISTED]
    kept, *closing = found[MAX_LISTED:]
    assert kept == record
    shown = [(letter.reason, letter.position, letter.n) for letter in closing]
    assert shown == [("invalid_json", f"byte {MAX_LISTED}", 3), ("limit_exceeded", "byte 9000", 1)]


def test_every_file_has_a_bound_of_its_own():
    tally = DeadLetterTally()
    other = InputFile(source="b.jsonl", modified=0)
    assert all(tally.add(reject(number)) for number in range(MAX_LISTED))
    assert tally.add(reject(0, file=other))
    assert not tally.add(reject(0))
    assert [letter.source for letter in tally.close()] == ["a.jsonl"]
    assert list(tally.close()) == []


def test_letters_that_stand_for_others_are_counted_by_what_they_stand_for():
    letters = list(bound_dead_letters(reject(number) for number in range(MAX_LISTED + 5)))
    again = list(bound_dead_letters(iter([reject(0), *letters])))
    assert len(again) == MAX_LISTED + 1
    assert sum(letter.n for letter in again) == MAX_LISTED + 6


def test_what_was_counted_before_a_parser_failed_is_told_before_the_failure():
    def parse():
        for number in range(MAX_LISTED + 2):
            yield reject(number)
        raise ZeroDivisionError

    found = []
    with pytest.raises(ZeroDivisionError):
        found.extend(bound_dead_letters(parse()))
    assert sum(letter.n for letter in found) == MAX_LISTED + 2
