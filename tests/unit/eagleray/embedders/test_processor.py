from __future__ import annotations

import pytest

from eagleray.embedders.processor import read_processor


def write_cpuinfo(tmp_path, flags, *, vendor="GenuineIntel"):
    path = tmp_path / "cpuinfo"
    path.write_text(
        f"processor\t: 0\nvendor_id\t: {vendor}\nmodel name\t: Fast One\nflags\t\t: fpu {flags}\n"
        "processor\t: 1\nvendor_id\t: Other\nflags\t\t: none\n"
    )
    return path


@pytest.mark.parametrize(
    ("flags", "level", "is_fast"),
    [
        ("avx2 avx512f avx512_bf16 amx_bf16", "amx_bf16", True),
        ("avx2 avx512f avx512_bf16", "avx512_bf16", True),
        ("avx2 avx512f", "avx512f", False),
        ("sse2 avx2", "avx2", False),
    ],
)
def test_the_widest_extension_and_the_vendor_name_what_gives_equal_bits(tmp_path, flags, level, is_fast):
    processor = read_processor(write_cpuinfo(tmp_path, flags))
    assert processor.instruction_set == f"{level}/GenuineIntel"
    assert processor.multiplies_bf16 is is_fast


def test_the_same_flags_of_another_vendor_are_another_instruction_set(tmp_path):
    path = write_cpuinfo(tmp_path, "avx2", vendor="AuthenticAMD")
    assert read_processor(path).instruction_set == "avx2/AuthenticAMD"


def test_a_system_without_cpuinfo_still_has_a_name(tmp_path):
    processor = read_processor(tmp_path / "absent")
    assert processor.flags == frozenset()
    assert "/" in processor.instruction_set
