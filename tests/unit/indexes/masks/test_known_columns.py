from __future__ import annotations

import pytest

from eagleray.contracts.documents import AttributeType
from eagleray.errors import FilterColumnError
from indexes.masks.grammar import parse_filter
from indexes.masks.known_columns import check_columns, describe_missing, list_attributes

TYPES = {
    "i": {AttributeType.INTEGER},
    "n": {AttributeType.INTEGER, AttributeType.NUMBER},
    "s": {AttributeType.STRING},
    "l": {AttributeType.STRINGS},
    "t": {AttributeType.TIME},
    "b": {AttributeType.BOOLEAN},
    "mixed": {AttributeType.STRING, AttributeType.INTEGER, AttributeType.TIME},
    "zone": {AttributeType.BOOLEAN},
    "gr\u00f6sse": {AttributeType.INTEGER},
}


def check(text):
    expression = parse_filter(text)
    named = list_attributes(expression)
    check_columns(expression, {name: TYPES.get(name, ()) for name in named}, list_names=lambda: list(TYPES))


@pytest.mark.parametrize(
    "text",
    [
        *("i = 1.5", "i = 99999999999999999999", "n in (1, 2.5)", "b = true", "b < true", 's > "a"'),
        *('l = "a"', 'l contains "a"', 'l starts with "a"', 'l > "a"', 't >= "2019-01-01"', "t is null"),
        *('mixed = "n/a"', "mixed = 1.5", 'mixed = "2019-01-01"', 'zone = "x"', "attributes.zone = true"),
        *(
            "\u0069 = 1",
            '"\u200bi" = 1',
            "gro\u0308sse = 1",
            "gr\u00f6sse = 1",
            "attributes.gro\u0308sse is null",
        ),
        *('text matches "a"', "i is not null", 'not (s = "a" or i = 1)'),
    ],
)
def test_a_literal_that_fits_one_of_the_types_may_be_asked(text):
    check(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('i = "x"', "expected an integer, found the string 'x'"),
        ('n = "x"', "expected a number, found the string 'x'"),
        ("n in (1, true)", "expected a number, found true"),
        ("s = 1", "expected a string in quotes, found the number 1"),
        ("l = 1", "expected a string in quotes, found the number 1"),
        ('t = "soon"', "'soon' is not a time that eagleray can use"),
        (
            "mixed = true",
            "expected an integer or a string in quotes or an ISO 8601 time in quotes, found true",
        ),
        ('s contains "a"', "s is of type string, not a list; contains needs a list of strings"),
        ('t starts with "2019"', "t is of type time, not string; starts with needs text"),
        ("not (i = 1 and zone = true)", "expected a string in quotes, found true"),
        ("miwed = 1", "there is no column 'miwed'; did you mean mixed?"),
        ("MIXED = 1", "there is no column 'MIXED'; did you mean mixed?"),
        ("Known_From is null", "there is no column 'Known_From'; did you mean known_from?"),
        ("coupon = 1", "there is no column 'coupon'; there are "),
        ("known_form is null", "there is no column 'known_form'; did you mean known_from?"),
        ('attributes.known_from = "x"', "there is no column 'attributes.known_from'; did you mean"),
    ],
)
def test_what_fits_none_is_refused_with_what_would(text, told):
    with pytest.raises(FilterColumnError) as refused:
        check(text)
    assert told in str(refused.value)


def test_an_attribute_with_the_name_of_a_column_is_proposed_with_its_prefix():
    assert describe_missing("attributes.zon", ["zone"]).endswith("did you mean attributes.zone?")


def test_where_no_name_is_like_it_some_are_listed_and_none_is_meant():
    told = describe_missing("coupon", ["Zzz", *(f"zz{number}" for number in range(9))])
    assert "did you mean" not in told
    assert told.endswith(" more")
    assert describe_missing("zzZ", ["Zzz"]).endswith("did you mean Zzz?")


def test_errors_stay_short_whatever_is_asked():
    names = [f"name{number}" + "x" * 200 for number in range(20_000)]
    assert len(describe_missing("y" * 100_000, names)) < 2_000
    for text in (f'i = "{"z" * 4_000}"', f't = "{"z" * 4_000}"', f'"{"z" * 1_000}" = 1'):
        with pytest.raises(FilterColumnError) as refused:
            check(text)
        assert len(str(refused.value)) < 2_000
