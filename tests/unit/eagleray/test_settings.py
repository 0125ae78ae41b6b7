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


def test_a_value_that_does_not_fit_names_its_setting(monkeypatch):
    monkeypatch.setenv("EAGLERAY_JOBS__WORKERS", "many")
    with pytest.raises(InputError, match="EAGLERAY_JOBS__WORKERS"):
        load_settings()


def test_secrets_are_not_shown(monkeypatch):
    monkeypatch.setenv("EAGLERAY_S3__SECRET_ACCESS_KEY", "hunter2")
    assert "hunter2" not in repr(load_settings())
