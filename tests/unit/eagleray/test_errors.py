from __future__ import annotations

import pickle
from string import Formatter

import pytest

from eagleray.errors import AuthenticationError, EagleRayError


def list_kinds(kind=EagleRayError):
    return [kind, *(found for inner in kind.__subclasses__() for found in list_kinds(inner))]


@pytest.mark.parametrize("kind", list_kinds(), ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling_with_its_fields_and_message(kind):
    fields = {name: f"<{name}>" for _, name, _, _ in Formatter().parse(kind.message) if name}
    error = kind(**fields)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is kind
    assert str(again) == str(error)
    assert all(getattr(again, name) == value for name, value in fields.items())
    assert all(value in str(again) for value in fields.values())


def test_an_error_has_no_fields_it_was_not_given():
    with pytest.raises(AttributeError):
        _ = EagleRayError(detail="x").other


def test_why_somebody_is_not_known_survives_pickling_and_stands_in_no_message_or_field():
    error = AuthenticationError(reason="key_revoked", key_id="3f0c")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (again.reason, again.key_id) == ("key_revoked", "3f0c")
    assert str(again) == str(AuthenticationError(reason="key_unknown"))
    assert again.fields == {}
