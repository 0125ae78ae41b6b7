from __future__ import annotations

import pytest

from eagleray.errors import InputError
from eagleray.settings import load_settings


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("EAGLERAY_JOBS__WORKERS", "3")
    monkeypatch.setenv("EAGLERAY_COLLECTION", "notes")
    settings = load_settings()
    assert settings.jobs.workers == 3
    assert settings.collection == "notes"


def test_an_unknown_name_is_refused_with_the_known_ones(monkeypatch):
    monkeypatch.setenv("EAGLERAY_JOBS__WORKRES", "3")
    with pytest.raises(InputError, match=r"WORKRES.*EAGLERAY_JOBS__WORKERS"):
        load_settings()


def test_a_misspelt_name_is_answered_with_the_nearest_one(monkeypatch):
    monkeypatch.setenv("EAGLERAY_STROE", "x")
    with pytest.raises(InputError, match=r"unknown setting EAGLERAY_STROE; did you mean EAGLERAY_STORE\?$"):
        load_settings()


@pytest.mark.parametrize("name", ["De sk/x", "../evil", "_keys", "", "a" * 64, "ü", "a\n"])
def test_a_collection_has_a_name_that_is_one_folder_and_one_part_of_a_url(monkeypatch, name):
    monkeypatch.setenv("EAGLERAY_COLLECTION", name)
    with pytest.raises(
        InputError, match=r"^setting EAGLERAY_COLLECTION: .* is not the name of a collection; "
    ):
        load_settings()


def test_a_value_that_does_not_fit_names_its_setting(monkeypatch):
    monkeypatch.setenv("EAGLERAY_JOBS__WORKERS", "many")
    with pytest.raises(InputError, match="EAGLERAY_JOBS__WORKERS"):
        load_settings()


def test_a_group_that_is_no_json_is_refused(monkeypatch):
    monkeypatch.setenv("EAGLERAY_JOBS", "workers=2")
    with pytest.raises(InputError, match='a JSON object: .*"jobs"'):
        load_settings()


def test_secrets_are_not_shown(monkeypatch):
    monkeypatch.setenv("EAGLERAY_S3__SECRET_ACCESS_KEY", "hunter2")
    assert "hunter2" not in repr(load_settings())


SERVICE_LINKS = {
    "SERVICE_HOST": "10.0.0.1",
    "SERVICE_PORT": "8000",
    "SERVICE_PORT_HTTP": "8000",
    "PORT": "tcp://10.0.0.1:8000",
    "PORT_8000_TCP": "tcp://10.0.0.1:8000",
    "PORT_8000_TCP_PROTO": "tcp",
    "PORT_8000_TCP_PORT": "8000",
    "PORT_8000_TCP_ADDR": "10.0.0.1",
    "PORT_53_UDP": "udp://10.0.0.1:53",
}


@pytest.mark.parametrize("service", ["EAGLERAY", "EAGLERAY_WEB", "EAGLERAY_SERVE_V2"])
def test_what_kubernetes_writes_for_a_service_is_no_setting(monkeypatch, service):
    for name, value in SERVICE_LINKS.items():
        monkeypatch.setenv(f"{service}_{name}", value)
    monkeypatch.setenv("EAGLERAY_COLLECTION", "notes")
    assert load_settings().collection == "notes"


@pytest.mark.parametrize("name", ["EAGLERAY_PORT", "EAGLERAY_SERVE_PORT", "EAGLERAY_PORT_8000_TCP"])
def test_a_misspelt_port_is_still_refused(monkeypatch, name):
    monkeypatch.setenv(name, "8000")
    with pytest.raises(InputError, match=name):
        load_settings()


def test_a_name_in_lower_case_is_held_to_the_same(monkeypatch):
    monkeypatch.setenv("eagleray_collection", "notes")
    assert load_settings().collection == "notes"
    monkeypatch.setenv("eagleray_stroe", "x")
    with pytest.raises(InputError, match=r"unknown setting eagleray_stroe; did you mean EAGLERAY_STORE\?$"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EAGLERAY_STORE", '"s3://desk/store"'),
        ("EAGLERAY_STORE", "'store'"),
        ("EAGLERAY_JOBS__SOURCES", '"quotes=acme.quotes:make"'),
    ],
)
def test_quotation_marks_that_no_shell_took_away_are_no_part_of_a_value(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=f"^setting {name}: the value has quotation marks around it"):
        load_settings()


def test_a_secret_may_be_any_text(monkeypatch):
    monkeypatch.setenv("EAGLERAY_S3__SECRET_ACCESS_KEY", '"hunter2"')
    secret = load_settings().s3.secret_access_key
    assert secret is not None and secret.get_secret_value() == '"hunter2"'


@pytest.mark.parametrize("name", ["EAGLERAY_STORE", "EAGLERAY_CACHE", "EAGLERAY_EMBEDDER__MODEL"])
def test_an_empty_path_is_not_the_working_directory(monkeypatch, name):
    monkeypatch.setenv(name, "")
    with pytest.raises(InputError, match=f"^setting {name}: "):
        load_settings()


def test_times_are_finite(monkeypatch):
    monkeypatch.setenv("EAGLERAY_SERVE__TIMEOUT_S", "inf")
    with pytest.raises(InputError, match="EAGLERAY_SERVE__TIMEOUT_S: Input should be a finite number"):
        load_settings()


def test_a_misspelt_name_within_a_group_is_answered_with_the_nearest_one(monkeypatch):
    monkeypatch.setenv("EAGLERAY_JOBS", '{"workrs": 2}')
    with pytest.raises(InputError, match=r"JOBS__WORKRS: there is no such.* mean EAGLERAY_JOBS__WORKERS\?$"):
        load_settings()
