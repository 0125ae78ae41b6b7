"""Tests that pictures are well-formed, fit light and dark pages, and that nothing in them overlaps."""

from itertools import combinations
from pathlib import Path

import pytest
from lxml import etree

PICTURES = sorted((Path(__file__).parents[2] / "docs" / "pictures").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
WIDTH_OF_A_CHARACTER = 7.2
"""Pixels that a character takes at most on average, at the pictures' size of text."""


def read_boxes(root):
    """Return (left, top, right, bottom) of each rectangle."""
    boxes = []
    for rect in root.iter(f"{SVG}rect"):
        left, top, width, height = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
        boxes.append((left, top, left + width, top + height))
    return boxes


def are_apart(one, other):
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def holds(outer, inner):
    return outer[0] <= inner[0] and outer[1] <= inner[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def test_there_are_pictures():
    assert {path.name for path in PICTURES} >= {"overview.svg", "concepts.svg"}


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_picture_says_what_it_shows_and_has_colours_for_dark_pages(path):
    root = etree.parse(path).getroot()
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}title").text
    assert root.find(f"{SVG}desc").text
    assert "@media (prefers-color-scheme: dark)" in root.find(f"{SVG}style").text
    assert "http" not in path.read_text().replace("http://www.w3.org/2000/svg", "")


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_boxes_lie_apart_or_one_in_the_other(path):
    boxes = read_boxes(etree.parse(path).getroot())
    assert boxes
    for one, other in combinations(boxes, 2):
        assert are_apart(one, other) or holds(one, other) or holds(other, one), (one, other)


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_text_ends_within_its_box_or_the_picture(path):
    root = etree.parse(path).getroot()
    _, _, width, height = map(float, root.get("viewBox").split())
    boxes = [*read_boxes(root), (0.0, 0.0, width, height)]
    for text in root.iter(f"{SVG}text"):
        left, base = float(text.get("x")), float(text.get("y"))
        around = [box for box in boxes if box[0] <= left <= box[2] and box[1] <= base <= box[3]]
        smallest = min(around, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
        assert left + WIDTH_OF_A_CHARACTER * len(text.text) <= smallest[2], text.text
