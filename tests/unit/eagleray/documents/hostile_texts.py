"""Texts that make slow patterns slow: each kind is a function from a size in bytes to a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final


def _repeat(unit: str, *, head: str = "", tail: str = "") -> Callable[[int], bytes]:
    return lambda n: (head + unit * (n // len(unit.encode())) + tail).encode()


def _grow(unit: str) -> Callable[[int], bytes]:
    """Runs of a sign that get longer and longer."""

    def make(n: int) -> bytes:
        pieces, length = [], 1
        while n > 0:
            pieces.append(unit * length)
            n -= length * len(unit) + 1
            length += 1
        return " ".join(pieces).encode()

    return make


def _set_grid(n: int) -> bytes:
    """One wide row above many narrow ones."""
    return ("<table><tr>" + "<td>a" * (n // 10) + "<tr><td>b" * (n // 18) + "</table>").encode()


def _style_many(n: int) -> bytes:
    """As many rules as elements, none of which fits."""
    count = n // 60
    rules = "".join(f".a.b{i}{{display:none}}" for i in range(count))
    return (f"<style>{rules}</style>" + "<p class='a c'>x</p>" * count).encode()


def _nest(unit: str, *, depth: int = 1500, leaf: str) -> Callable[[int], bytes]:
    """As deep as a page may be, and wide at the bottom."""
    return lambda n: (unit * depth + leaf * ((n - len(unit) * depth) // len(leaf))).encode()


_PLAIN: Final = {
    "stars": _repeat("*"),
    "links": _repeat("["),
    "images": _repeat("![a]("),
    "backticks": _repeat("`"),
    "growing backticks": _grow("`"),
    "quotes": _repeat(">"),
    "quoted lines": _repeat("> a\n"),
    "delimiter rows": _repeat("|-", tail="|\n"),
    "bars": _repeat("|"),
    "cells": _repeat("|a", tail="\n"),
    "rows": _repeat("|a|b|\n"),
    "open rows": _repeat("|a|b\n"),
    "rows of figures": _repeat("| 1 | 2 |\n"),
    "hashes": _repeat("#"),
    "hash words": _repeat("# "),
    "hashes after a heading": _repeat(" #", head="# a", tail="x"),
    "spaces after a heading": _repeat(" ", head="# a", tail="x"),
    "tabs and hashes": _repeat(" \t#", head="# a", tail="x"),
    "headings": _repeat("# a\n"),
    "deep headings": _repeat("# a\n## b\n### c\n#### d\n"),
    "long headings": _repeat("a ", head="# "),
    "setext": _repeat("a\n", tail="---\n"),
    "setext headings": _repeat("a\n---\n"),
    "long rules": _repeat("-", head="a\n", tail="x"),
    "spaces": _repeat(" ", tail="x"),
    "no-break spaces": _repeat("\u00a0", head="a", tail="x"),
    "tabs": _repeat("\t", head="a.", tail="x"),
    "line feeds": _repeat("\n", tail="x"),
    "spaced line feeds": _repeat(" \n", head="a", tail="x"),
    "carriage returns": _repeat("\r"),
    "sentences": _repeat("a. "),
    "marks": _repeat("?!"),
    "marks and quotes": _repeat('."'),
    "quotes after a mark": _repeat('"', head="a.", tail="x"),
    "brackets after a mark": _repeat(")", head="a.", tail="x"),
    "dots": _repeat("."),
    "spaced dots": _repeat(". "),
    "dots and letters": _repeat("a."),
    "ellipses": _repeat("\u2026"),
    "words": _repeat("a "),
    "one word": _repeat("a"),
    "one long line of words": _repeat("word "),
    "abbreviations": _repeat("Mr. A. B. "),
    "digits": _repeat("1"),
    "digits and spaces": _repeat("1 "),
    "digits and blanks": _repeat("1" + " " * 40),
    "figures": _repeat("1,234.5 "),
    "lines of figures": _repeat("1 $2\n"),
    "amounts": _repeat("$(", head="1 "),
    "commas": _repeat(",", head="1 ", tail="x"),
    "commas and digits": _repeat("1,", head="1 ", tail="x"),
    "commas and digits in a line": _repeat("1 1,", tail="x"),
    "amounts in cells": _repeat("1,", head="| a | ", tail="x |\n| 2 | 3 |"),
    "items": _repeat("\n1."),
    "bullets": _repeat("\n- a"),
    "bracketed items": _repeat("\n(a"),
    "blank lines": _repeat("a\n\n"),
    "full stops of Chinese": _repeat("\u3002"),
    "closing quotes of Chinese": _repeat("\u300d", head="\u3002", tail="\u3042"),
    "spaces after Chinese": _repeat("\u3002 "),
    "Chinese": _repeat("\u6f22"),
    "families": _repeat("\U0001f468\u200d"),
    "combining marks": _repeat("\u0301", head="a"),
    "zero width": _repeat("\u200b", head="a"),
    "control characters": _repeat("\x01"),
    "fences": _repeat("```\n"),
    "growing fences": _grow("`"),
    "lists": _repeat("- a\n"),
    "underscores": _repeat("_", head="# a"),
    "underscores in a word": _repeat("_", head="# a", tail="a"),
    "underscores in words": _repeat("a_____", head="# ", tail="a"),
    "spaced underscores": _repeat("_ ", head="# "),
    "equals": _repeat("=", head="a\n", tail="x"),
}

_PAGES: Final = {
    "paragraphs": _repeat("<p>a</p>"),
    "open tags": _repeat("<"),
    "open inline elements": _repeat("<b><i>a"),
    "closed inline elements": _repeat("<b>a</b>"),
    "open comments": _repeat("<!--"),
    "open attributes": _repeat("<a b='"),
    "many attributes": _repeat(" a=b", head="<p", tail=">x"),
    "other attributes each": lambda n: ("<p " + " ".join(f"a{i}=b" for i in range(n // 9)) + ">x").encode(),
    "attributes after signs": lambda n: (
        '<!--<p a="--><p ' + " ".join(f"a{i}='>'" for i in range(n // 11)) + '>">x'
    ).encode(),
    "entities": _repeat("&amp;"),
    "broken entities": _repeat("&a"),
    "nested tables": _repeat("<table><tr><td>"),
    "sibling tables": _repeat("<table><tr><td>a<td>b</table>"),
    "tables far down": _nest("<div>", leaf="<table><tr><td>a<td>b</table>"),
    "rows far down": _nest("<b>", leaf="<tr><td>a"),
    "spans of cells": _repeat(
        "<tr><td rowspan=65534 colspan=1000>x</td></tr>",
        head="<table><tr><td colspan=1000 rowspan=1000>a</td></tr>",
    ),
    "narrow spans of cells": _repeat("<td rowspan=2000>x<tr>", head="<table><tr>"),
    "a wide row": _set_grid,
    "signs in cells": _repeat("<td>)", head="<table><tr><td>1<td>", tail="<tr><td>a<td>b</table>"),
    "currencies in cells": _repeat("<td>$", head="<table><tr>", tail="<tr><td>a<td>b</table>"),
    "headers": _repeat("<header>"),
    "headers far down": _nest("<header>", leaf="<a>x</a>"),
    "menus": _repeat("<nav><a>x</a></nav>"),
    "superscripts": _repeat("1<sup>2</sup>"),
    "open superscripts": _repeat("<sup>1"),
    "superscripts far down": _nest("<sup>", leaf="a "),
    "superscripts in a cell": _repeat("1<sup>2</sup>", head="<table><tr><td>x<td>"),
    "breaks": _repeat("a<br>"),
    "open breaks": _repeat("<br>", tail="x"),
    "zero width in a page": _repeat("&#8203;", tail="x"),
    "words in pre": _repeat("a  ", head="<pre>"),
    "open scripts": _repeat("<script>"),
    "styles": _style_many,
    "open blocks of styles": _repeat("a{", head="<style>", tail="</style><p>x"),
    "open comments of styles": _repeat("/*", head="<style>", tail="</style><p>x"),
    "open strings of styles": _repeat("'\n", head="<style>a{", tail="</style><p>x"),
    "selectors": _repeat(".a,", head="<style>", tail="b{display:none}</style><p class=a>x"),
    "brackets of selectors": _repeat("(", head="<style>", tail="{display:none}</style><p>x"),
    "spaces of selectors": _repeat(" ", head="<style>a", tail="~{display:none}</style><p>x"),
    "long selectors": _repeat("a ", head="<style>", tail="{display:none}</style><p>x"),
    "media": _repeat("@media screen{", head="<style>", tail="</style><p>x"),
    "media queries": _repeat("screen and ", head="<style>@media ", tail="{a{display:none}}</style><p>x"),
    "declarations": _repeat("display:none;", head="<p style='", tail="'>x<p>y"),
    "classes": _repeat("a ", head="<style>.a{display:none}</style><p class='", tail="b'>x<p>y"),
    "paths of styles": _nest("<div class=a>", leaf="<p class=b>x</p>"),
    "titles": _repeat("a.htm ", head="<title>", tail="</title><p>x"),
    "unbroken titles": _repeat(".htm", head="<title>", tail="x</title><p>x"),
    "titles without a dot": _repeat("a", head="<title>", tail="</title><p>x"),
    "bold blocks": _repeat("<p><b>Item 1. A</b></p>"),
    "list items": _repeat("<li>a"),
    "headings of a page": _repeat("<h1>a</h1><h2>b</h2>"),
    "a heading without end": _repeat("<h1>a"),
    "meta": _repeat("<meta charset=", tail="<p>x"),
}

_RECORDS: Final = {
    "arrays": _repeat("[", head='{"_id":"a","text":"b","metadata":'),
    "objects": _repeat('{"a":', head='{"_id":"a","text":"b","metadata":'),
    "lines": _repeat('{"_id":"a","text":"b"}\n'),
    "keys": lambda n: (
        '{"_id":"a","text":"b","metadata":{' + ",".join(f'"{i}":1' for i in range(n // 12)) + "}}"
    ).encode(),
    "a long text": _repeat("a. ", head='{"_id":"a","text":"', tail='"}'),
    "escapes": _repeat("\\u0041", head='{"_id":"a","text":"', tail='"}'),
}

KINDS: Final[dict[tuple[str, str], Callable[[int], bytes]]] = {
    **{("md", name): make for name, make in _PLAIN.items()},
    **{("txt", name): make for name, make in _PLAIN.items()},
    **{("html", name): make for name, make in _PAGES.items()},
    **{("jsonl", name): make for name, make in _RECORDS.items()},
}
"""By suffix and name; `make(n)` is a file of about `n` bytes."""
