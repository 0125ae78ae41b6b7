"""The page of the API is whole, and loads nothing."""

from __future__ import annotations

import re
from html import unescape

import pytest

from serve.http.docs_page import POLICY, write_page


@pytest.fixture(scope="module")
def page(described):
    return write_page(described, errors={"404": "There is no `such` thing."})


def test_every_operation_and_every_schema_stands_on_it(page, described):
    shown = set(re.findall(r"<h3><b>([A-Z]+)</b> (\S+)</h3>", page))
    told = {(method.upper(), path) for path, found in described["paths"].items() for method in found}
    assert {(method, unescape(path)) for method, path in shown} == told
    assert set(re.findall(r'<h3 id="(\w+)">', page)) == set(described["components"]["schemas"])


def test_what_a_search_takes_and_gives_is_told(page, described):
    section = page.split('<h3 id="QuestionBody">')[1].split("<h3")[0]
    fields = described["components"]["schemas"]["QuestionBody"]["properties"]
    assert re.findall(r"^<tr><td>(\w+)</td>", section, re.M) == list(fields)
    assert "<code>10</code>" in section
    assert '<a href="#SearchAnswer">' in page.split("/search</h3>")[1].split("<h3>")[0]


def test_errors_of_every_request_are_told_once(described):
    errors = {"404": described["paths"]["/health/live"]["get"]["responses"]["404"]["description"]}
    assert write_page(described, errors=errors).count(errors["404"]) == 1
    assert "no <code>such</code> thing" in write_page(described, errors={"404": "no `such` thing"})


def test_its_links_lead_into_it_and_nothing_is_loaded(page):
    assert set(re.findall(r'href="#(\w+)"', page)) <= set(re.findall(r'id="(\w+)"', page))
    assert set(re.findall(r'href="([^#"][^"]*)"', page)) == {"openapi.json"}
    assert not re.search(r"<(script|link|img|iframe|object|embed|form)|\bsrc=|url\(|@import|\son\w+=", page)


def test_every_text_of_the_description_is_escaped():
    hostile = "<script>\"&'"
    described = {
        "info": {"title": hostile, "version": hostile},
        "paths": {
            f"/{hostile}": {
                "get": {
                    "tags": [hostile],
                    "summary": hostile,
                    "parameters": [
                        {"name": hostile, "in": "query", "description": hostile, "schema": {"type": hostile}}
                    ],
                    "requestBody": {"content": {hostile: {"schema": {"$ref": f"#/{hostile}"}}}},
                    "responses": {hostile: {"description": hostile}},
                }
            }
        },
        "components": {
            "schemas": {
                hostile: {
                    "description": hostile,
                    "properties": {
                        hostile: {"enum": [hostile], "default": hostile, "description": hostile},
                    },
                }
            }
        },
    }
    shown = write_page(described, errors={hostile: hostile})
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") > 12
    assert hostile not in shown


def test_it_is_served_to_everybody_with_a_policy_that_loads_nothing(serve_with):
    async def ask(served):
        answer = await served.client.get("/docs", headers={"authorization": "Bearer wrong"})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-security-policy"] == POLICY
        assert "/collections/{name}/search" in answer.text
        assert served.collection not in answer.text

    serve_with(ask)
