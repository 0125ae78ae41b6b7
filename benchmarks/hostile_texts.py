"""Texts that have cost some system more than their length: name -> n in, about n characters out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final


def repeat(unit: str) -> Callable[[int], str]:
    """Return what makes about `n` characters of one text again and again."""
    return lambda n: unit * max(n // len(unit), 1)


TEXTS: Final[Mapping[str, Callable[[int], str]]] = {
    "words": repeat("bond coupon "),
    "one letter": repeat("a"),
    "digits": repeat("1"),
    "dotted": repeat("a."),
    "hyphened": repeat("ab-"),
    "thousands": lambda n: "1" + ",111" * (n // 4) + "1",
    "thousands that end as a word": lambda n: "1" + ",111" * (n // 4) + "x_",
    "joiners": repeat("'"),
    "possessives": repeat("a's"),
    "quotes": repeat('"'),
    "phrases": repeat('"ab cd" '),
    "open quotes": repeat("\u201cab "),
    "asterisks": repeat("*"),
    "beginnings": repeat("ab* "),
    "many beginnings": lambda n: " ".join(f"{number:x}a*" for number in range(n // 6)),
    "many words": lambda n: " ".join(f"w{number:x}" for number in range(n // 6)),
    "spaces": repeat(" "),
    "line ends": repeat("\n"),
    "marks": lambda n: "a" + "\u0301" * n,
    "marks of many kinds": lambda n: "a" + "\u0315\u0300\u05ae\u0301" * (n // 4),
    "zero width": repeat("a\u200b"),
    "ligatures": repeat("\ufdfa"),
    "ideographs": repeat("\u6f22"),
    "families": repeat("\U0001f468\u200d"),
    "right to left": repeat("\u202e\u05d0"),
    "sentences": repeat("a. "),
    "abbreviations": repeat("Mr. A. B. "),
    "brackets": repeat("("),
    "backslashes": repeat("\\"),
    "control": repeat("\x01"),
}

MARKDOWN: Final[Mapping[str, Callable[[int], str]]] = {
    "stars": repeat("*"),
    "links": repeat("["),
    "images": repeat("!["),
    "backticks": lambda n: "".join("`" * (number % 200 + 1) + " " for number in range(n // 100)),
    "quotations": repeat(">"),
    "table": lambda n: "|" * (n // 4) + "\n" + "|-" * (n // 4) + "|\n",
    "rows": repeat("|a|b|\n|-|-|\n"),
    "hashes": repeat("#"),
    "headings": repeat("# a\n"),
    "underlined": lambda n: "a\n" * (n // 2) + "---\n",
    "items": repeat("- a\n"),
    "nested items": lambda n: "".join(" " * (number % 64) + "- a\n" for number in range(n // 36)),
    "fences": repeat("```\n"),
    "angles": repeat("<"),
    "entities": repeat("&amp"),
}

HTML: Final[Mapping[str, Callable[[int], str]]] = {
    "paragraphs": repeat("<p>a</p>"),
    "unclosed": repeat("<b><i>a"),
    "tables in tables": lambda n: "<table><tr><td>" * (n // 36) + "x" + "</td></tr></table>" * (n // 36),
    "spanning cells": lambda n: (
        "<table>" + "<tr><td rowspan=65534 colspan=1000>x</td></tr>" * (n // 48) + "</table>"
    ),
    "attributes": lambda n: "<p " + "a=1 " * (n // 4) + ">x</p>",
    "comments": repeat("<!--"),
    "marked sections": repeat("<![CDATA["),
    "styles": lambda n: "<style>" + ".a,.b{display:none}" * (n // 19) + "</style><p class=a>x</p><p>y</p>",
    "style of classes": lambda n: (
        "<style>"
        + "".join(f".c{k}{{display:none}}" for k in range(n // 60))
        + "</style>"
        + "".join(f"<p class='c{k}'>x</p>" for k in range(n // 60))
    ),
    "superscripts": repeat("1<sup>2</sup>"),
    "headers": repeat("<header><a href=x>a</a>"),
    "scripts": repeat("<script>"),
    "entities": repeat("&#x41;"),
    "ends": repeat("</"),
}
