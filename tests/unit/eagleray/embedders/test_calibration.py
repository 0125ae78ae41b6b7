from __future__ import annotations

import pytest

from eagleray.embedders import calibration, settle_backend
from eagleray.embedders.calibration import Measurement, choose_backend, find_calibration, list_candidates
from eagleray.embedders.processor import Processor
from eagleray.setting_groups.engine import EmbedderSettings

REFERENCE = Measurement(backend="torch-fp32", texts_per_s=100.0, min_cosine=1.0)


def bf16(texts_per_s, min_cosine):
    return Measurement(backend="torch-bf16", texts_per_s=texts_per_s, min_cosine=min_cosine)


@pytest.mark.parametrize(
    ("other", "chosen"),
    [
        (bf16(200.0, 0.9995), "torch-bf16"),
        (bf16(200.0, 0.9989), "torch-fp32"),
        (bf16(124.0, 1.0), "torch-fp32"),
    ],
)
def test_a_backend_must_be_near_the_reference_and_faster_by_far(other, chosen):
    assert choose_backend([REFERENCE, other]).backend == chosen


def use_processor(monkeypatch, *flags):
    processor = Processor(vendor="GenuineIntel", model="Fast One", flags=frozenset(flags))
    monkeypatch.setattr(calibration, "read_processor", lambda: processor)


def test_a_processor_that_emulates_bf16_has_nothing_to_choose(monkeypatch, small_model, tmp_path):
    use_processor(monkeypatch, "avx2", "avx512f")
    settings = EmbedderSettings(model=str(small_model))
    assert list_candidates(settings) == ("torch-fp32",)
    assert settle_backend(settings, cache=tmp_path).backend == "torch-fp32"
    assert list(tmp_path.iterdir()) == []


def test_a_measurement_is_made_once_and_kept(monkeypatch, small_model, tmp_path):
    use_processor(monkeypatch, "avx512_bf16")
    settings = EmbedderSettings(model=str(small_model))
    first = find_calibration(settings, cache=tmp_path)
    assert [item.backend for item in first.measured] == ["torch-fp32", "torch-bf16"]
    assert first.measured[0].min_cosine == pytest.approx(1.0)
    assert 0.9 < first.measured[1].min_cosine < 1.0
    monkeypatch.setattr(calibration, "measure_backend", lambda *_: pytest.fail("measured again"))
    assert find_calibration(settings, cache=tmp_path) == first


def test_a_damaged_record_is_measured_again(monkeypatch, small_model, tmp_path):
    use_processor(monkeypatch, "avx512_bf16")
    measured = {item.backend: (item, None) for item in (REFERENCE, bf16(200.0, 0.9995))}
    monkeypatch.setattr(calibration, "measure_backend", lambda model, _: measured[model.identity.backend])
    settings = EmbedderSettings(model=str(small_model))
    find_calibration(settings, cache=tmp_path)
    path = next((tmp_path / "calibrations").iterdir())
    path.write_text('{"backend": 3')
    assert settle_backend(settings, cache=tmp_path).backend == "torch-bf16"
    assert path.read_text().startswith('{"backend":"torch-bf16"')


def test_a_backend_that_was_named_is_not_measured(tmp_path):
    settings = EmbedderSettings(backend="torch-bf16")
    assert settle_backend(settings, cache=tmp_path) is settings
    assert list(tmp_path.iterdir()) == []
