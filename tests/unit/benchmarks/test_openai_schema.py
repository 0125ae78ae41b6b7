from __future__ import annotations

import json
import sys

from benchmarks.openai_schema import Description, describe_routes, main, score

NAME = "#/components/schemas/Store"
STORE = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "status": {"type": "string", "enum": ["expired", "in_progress", "gone"]},
        "cost": {"type": "number"},
    },
    "required": ["id", "cost"],
}
DOCUMENT = {
    "paths": {
        "/vector_stores/{id}": {
            "get": {
                "parameters": [
                    {"in": "path", "name": "vector_store_id", "required": True, "schema": {"type": "string"}}
                ],
                "responses": {
                    "200": {
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Store"}}}
                    }
                },
            }
        },
        "/chat": {"post": {"responses": {"200": {}}}},
    },
    "components": {"schemas": {"Store": STORE}},
}


def test_each_fact_of_the_specification_on_served_paths_counts_once():
    found = score(Description(DOCUMENT), Description(describe_routes(), prefix="/v1"))
    assert found["facts"] == 17
    assert found["missing"] == [
        "GET /vector_stores/{} property answer.cost",
        "GET /vector_stores/{} required answer.cost True",
        "GET /vector_stores/{} type answer.cost number",
        "GET /vector_stores/{} value answer.status gone",
    ]
    assert found["score"] == round(100 * 13 / 17, 1)
    assert found["shares"].keys() == {"vector_stores", "GET /vector_stores/{}"}


def test_what_recurs_is_walked_once():
    part = {
        "type": "object",
        "properties": {"parts": {"type": "array", "items": {"$ref": "#/components/schemas/Store"}}},
    }
    document = {**DOCUMENT, "components": {"schemas": {"Store": part}}}
    operation = Description(document).list_operations()["/vector_stores/{}", "get"]
    facts = Description(document).list_facts(operation)
    assert ("property", "answer.parts") in facts
    assert len(facts) == 8


def test_the_command_prints_the_score(tmp_path, monkeypatch, capsys):
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(DOCUMENT))
    monkeypatch.setattr(sys, "argv", ["openai_schema", "--specification", str(path)])
    main()
    assert json.loads(capsys.readouterr().out)["facts"] == 17
