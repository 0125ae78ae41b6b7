from __future__ import annotations

from importlib.metadata import version

STRANGER = {"authorization": "Bearer wrong"}


def test_anybody_is_told_what_this_is_and_where_to_go_on(serve_with):
    async def ask(served):
        answer = await served.client.get("/", headers=STRANGER)
        told = answer.json()
        assert (told["name"], told["version"]) == ("eagleray", version("eagleray"))
        assert served.collection not in answer.text
        for name in ("docs", "openapi", "live", "ready"):
            assert (await served.client.get(told["links"][name], headers=STRANGER)).status_code == 200, name
        assert (await served.client.get(told["links"]["collections"], headers=STRANGER)).status_code == 401
        assert (await served.client.head("/", headers=STRANGER)).status_code == 200

    serve_with(ask)


def test_what_else_the_path_takes_needs_a_caller_as_before(serve_with):
    async def ask(served):
        for method in ("POST", "PUT", "OPTIONS"):
            answer = await served.client.request(method, "/", headers=STRANGER, json={"inputs": "a"})
            assert answer.status_code == 401, method
        answer = await served.client.post(
            "/", headers={"authorization": "Bearer reader"}, json={"inputs": "a"}
        )
        assert answer.status_code == 200

    serve_with(ask)
