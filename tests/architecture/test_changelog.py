"""Tests that the changelog has its sections, newest first, and names the version that stands."""

import re
import tomllib
from pathlib import Path

import eagleray

ROOT = Path(__file__).parents[2]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
SECTIONS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
VERSIONS = re.findall(r"(?m)^## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})$", CHANGELOG)


def test_the_newest_version_is_that_of_the_package_and_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert VERSIONS[0][0] == eagleray.__version__ == project["version"]


def test_versions_stand_newest_first():
    numbers = [tuple(map(int, number.split("."))) for number, _ in VERSIONS]
    days = [day for _, day in VERSIONS]

    assert numbers == sorted(numbers, reverse=True)
    assert days == sorted(days, reverse=True)


def test_every_change_stands_in_one_of_the_usual_sections():
    headings = re.findall(r"(?m)^## (.+)$", CHANGELOG)
    parts = re.split(r"(?m)^## .+$", CHANGELOG)[1:]
    assert headings == ["[Unreleased]", *(f"[{number}] - {day}" for number, day in VERSIONS)]

    for heading, part in zip(headings, parts, strict=True):
        before, *_ = part.partition("\n### ")
        sections = re.findall(r"(?m)^### (.+)$", part)

        assert not re.search(r"(?m)^- ", before), f"{heading}: a change outside the sections"
        assert sections == sorted(set(sections), key=SECTIONS.index), heading
