from __future__ import annotations

import pytest

from eagleray.errors import InputError
from eagleray.settings import load_settings

SECRET = "0123456789abcdef"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"url": "redis://host"}, "SECRET of at least 16"),
        ({"url": "redis://host", "secret": "short"}, "SECRET of at least 16"),
        ({"url": "http://host", "secret": SECRET}, "URL to begin with redis://"),
    ],
)
def test_half_of_what_redis_needs_is_refused_and_no_secret_told(given, told):
    with pytest.raises(InputError, match=told) as refused:
        load_settings(redis=given)
    assert "short" not in str(refused.value)


def test_url_password_and_secret_are_never_shown():
    given = {"url": "redis://:hidden@host", "password": "hidden", "secret": f"hidden {SECRET}"}
    settings = load_settings(redis=given)
    assert settings.redis.results
    assert "hidden" not in repr(settings)
