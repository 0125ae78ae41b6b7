from __future__ import annotations

import pytest

from eagleray.contracts.callers import Authentication
from eagleray.errors import AuthenticationError, ExposureError
from eagleray.setting_groups.serving import AuthSettings, OidcSettings, ServeSettings
from serve.identity.exposure import (
    check_exposure,
    check_local,
    check_metrics_exposure,
    find_developer,
    is_loopback,
)

NEAR = ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST", "::ffff:127.0.0.1"]
FAR = [
    "",
    "0.0.0.0",  # noqa: S104 - what must be refused
    "::",
    "*",
    "10.0.0.1",
    "::ffff:10.0.0.1",
    "localhost.evil.example",
    "example.com",
    "127.1",
    "0",
]

KEYS = AuthSettings(api_keys=True)
TOKENS = AuthSettings(oidc=OidcSettings(issuer="i", audience="a", key_set="k"))


@pytest.mark.parametrize("host", NEAR)
def test_on_loopback_a_server_may_listen_without_authentication(host):
    assert is_loopback(host)
    check_exposure(host, AuthSettings())


@pytest.mark.parametrize("host", FAR)
def test_beyond_loopback_a_server_asks_who_its_callers_are_or_does_not_listen(host):
    assert not is_loopback(host)
    with pytest.raises(ExposureError, match="EAGLERAY_AUTH__API_KEYS") as caught:
        check_exposure(host, AuthSettings())
    assert caught.value.host == host
    check_exposure(host, KEYS)
    check_exposure(host, TOKENS)


@pytest.mark.parametrize("host", FAR)
def test_beyond_loopback_there_is_no_developer_whatever_the_settings(host):
    chosen = AuthSettings(is_development=True, api_keys=True)
    assert find_developer(host, chosen) is None
    with pytest.raises(ExposureError, match="loopback alone"):
        check_exposure(host, chosen)


@pytest.mark.parametrize("host", NEAR)
def test_on_loopback_there_is_a_developer_only_where_the_settings_say_so(host):
    assert find_developer(host, AuthSettings()) is None
    developer = find_developer(host, AuthSettings(is_development=True))
    assert developer.authentication is Authentication.DEVELOPMENT
    assert developer.principal.groups == frozenset()


@pytest.mark.parametrize("host", FAR)
def test_beyond_loopback_metrics_are_for_callers_or_nobody(host):
    for readers in ("callers", "off"):
        check_metrics_exposure(host, ServeSettings(metrics=readers))
    with pytest.raises(ExposureError, match="EAGLERAY_SERVE__METRICS") as caught:
        check_metrics_exposure(host, ServeSettings(metrics="loopback"))
    assert caught.value.host == host


@pytest.mark.parametrize("host", NEAR)
def test_on_loopback_metrics_may_be_for_whoever_asks(host):
    assert check_metrics_exposure(host, ServeSettings(metrics="loopback")) is None


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:1", "[::1]:8000", "127.0.0.1", "LocalHost"])
@pytest.mark.parametrize("origin", ["", "http://127.0.0.1:3000", "http://localhost", "http://[::1]:80"])
def test_a_request_of_this_machine_needs_to_show_nothing(host, origin):
    assert check_local(host, origin) is None


@pytest.mark.parametrize(
    "host", ["evil.example:8000", "127.0.0.1.evil.example", "", ":8000", "10.0.0.1", "[::1"]
)
def test_a_name_that_leads_here_is_not_this_machine(host):
    with pytest.raises(AuthenticationError) as caught:
        check_local(host, "")
    assert caught.value.reason == "sent_by_another_site"


def test_a_script_of_another_site_has_no_origin_and_is_refused_all_the_same():
    with pytest.raises(AuthenticationError):
        check_local("127.0.0.1:8000", "", site="cross-site")
    for site in ("same-origin", "same-site", "none", ""):
        assert check_local("127.0.0.1:8000", "", site=site) is None
    assert check_local("127.0.0.1:8000", "http://localhost:3000", site="cross-site") is None


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "file://", "http://127.0.0.1.evil.example"]
)
def test_a_page_of_another_site_shows_nothing_in_vain(origin):
    with pytest.raises(AuthenticationError):
        check_local("127.0.0.1:8000", origin)
