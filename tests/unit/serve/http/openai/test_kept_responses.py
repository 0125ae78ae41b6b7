"""Responses that are kept: read again, deleted and continued by the caller they were made for alone."""

from __future__ import annotations

import openai
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.times import OPEN_END
from indexes.snapshots.aliases import AliasMove, move_alias, read_alias
from serve.http.openai.upload_sweep import sweep
from serve.uploads import responses
from serve.uploads.records import make_name, read_clock
from tests.openai_stores import NOTE, OTHER, fill
from tests.small_collections import SPEC, put_changes, put_grown_snapshot
from tests.unit.serve.http.native.test_cited_answers import fail_after, list_entries

GROUPS = ("rates", "credit", "desk")
TOOLS = [{"type": "file_search", "vector_store_ids": [SPEC.name]}]
ASKED = {"model": "extractive", "input": "swap bond", "tools": TOOLS}
DAY_US = 86_400_000_000


async def stream(client, **more):
    return [event async for event in await client.responses.create(**{**ASKED, **more}, stream=True)]


async def check_gone(client, name):
    """Check that a response can neither be shown nor continued, and return what both are told."""
    told = []
    for asked in (
        client.responses.retrieve(name),
        client.responses.create(**ASKED, previous_response_id=name),
    ):
        with pytest.raises(openai.NotFoundError) as error:
            await asked
        told.append(error.value.body["message"].replace(name, "NAME"))
    assert len(set(told)) == 1
    return told[0]


def list_kept(served):
    return [item.path for item in served.store.list(f"{SPEC.name}/uploads") if "/responses/" in item.path]


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_response_is_shown_as_it_was_answered_until_it_is_deleted(ask, is_streamed):
    async def body(ann, ben, served):
        more = {"metadata": {"desk": "rates"}, "extra_body": {"explain": True}}
        if is_streamed:
            made = (await stream(ann, **more))[-1].response
        else:
            made = await ann.responses.create(**ASKED, **more)
        assert (made.store, made.metadata) == (True, {"desk": "rates"})
        assert (await ann.responses.retrieve(made.id)).model_dump() == made.model_dump()
        used = [entry for entry in list_entries(served) if entry.action == "read_response"]
        assert [entry.status for entry in used] == ["ok"]
        for item in made.eagleray["citations"]:
            assert item["chunk_id"] in used[0].body
        assert await check_gone(ben, made.id) == await check_gone(ann, make_name("resp_"))
        with pytest.raises(openai.NotFoundError):
            await ben.responses.delete(made.id)
        await ann.responses.delete(made.id)
        await check_gone(ann, made.id)
        with pytest.raises(openai.NotFoundError):
            await ann.responses.delete(made.id)
        told = [(entry.action, entry.status) for entry in list_entries(served)]
        assert [status for action, status in told if action == "delete_response"] == [
            "NotPublishedError",
            "ok",
            "NotPublishedError",
        ]
        assert list_kept(served) == []

    ask(body)


def test_what_is_not_to_be_stored_is_kept_nowhere(ask):
    async def body(ann, _, served):
        made = await ann.responses.create(**ASKED, store=False)
        assert made.store is False
        await check_gone(ann, made.id)
        assert (await stream(ann, store=False))[-1].response.store is False
        assert list_kept(served) == []

    ask(body)


def test_a_server_without_files_keeps_none(serve_with):
    async def body(served):
        asked = {"model": "extractive", "input": "swap"}
        made = (await served.client.post("/v1/responses", json=asked)).json()
        assert made["store"] is False
        assert (await served.client.get(f"/v1/responses/{made['id']}")).status_code == 404
        assert (await served.client.delete(f"/v1/responses/{made['id']}")).status_code == 404

    serve_with(body)


def test_a_response_that_failed_half_way_is_not_kept(ask):
    async def body(ann, _, served):
        events = await stream(ann, model="failing")
        assert events[-1].type == "response.failed"
        await check_gone(ann, events[0].response.id)
        assert list_kept(served) == []

    ask(body, pipelines=fail_after(1))


def test_responses_expire_and_only_so_many_are_kept(ask, monkeypatch):
    async def body(ann, _, served):
        made = [(await ann.responses.create(**ASKED)).id for _ in range(7)]
        assert len(list_kept(served)) == 5
        gone = await check_gone(ann, made[0])
        assert (await ann.responses.retrieve(made[-1])).id == made[-1]
        monkeypatch.setattr(responses, "read_clock", lambda: read_clock() + 31 * DAY_US)
        assert await check_gone(ann, made[-1]) == gone
        await sweep(served.site)
        assert list_kept(served) == []

    ask(body)


def test_a_conversation_goes_on_where_it_was_begun(ask):
    async def body(ann, _, __):
        more = {"as_of": "1970-03-01", "filter": "year >= 2003"}
        first = await ann.responses.create(**ASKED, extra_body=more)
        second = await ann.responses.create(
            model="extractive", input="swap bond", previous_response_id=first.id
        )
        assert (second.eagleray, second.tools) == (first.eagleray, first.tools)
        assert second.previous_response_id == first.id
        function = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}
        third = (await stream(ann, tools=[function], previous_response_id=second.id))[-1].response
        assert third.eagleray == first.eagleray
        same = {"as_of": "1970-03-01T00:00:00Z", "filter": "year >= 2005"}
        fourth = await ann.responses.create(**ASKED, previous_response_id=third.id, extra_body=same)
        fresh = await ann.responses.create(**ASKED, extra_body=same)
        assert fourth.eagleray == fresh.eagleray

    ask(body)


@pytest.mark.parametrize(
    ("begun", "asked", "word"),
    [
        ({"as_of": "1970-03-01"}, {"as_of": "1970-03-02"}, "as_of"),
        ({}, {"as_of": "1970-03-02"}, "as_of"),
        ({}, {"snapshot": "0" * 64}, "snapshot"),
    ],
)
@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_conversation_keeps_its_time_and_its_snapshot(ask, begun, asked, word, is_streamed):
    async def body(ann, _, __):
        first = await ann.responses.create(**ASKED, extra_body=begun)
        with pytest.raises(openai.BadRequestError, match=f"{word} holds for the whole conversation"):
            await ann.responses.create(
                **ASKED, previous_response_id=first.id, extra_body=asked, stream=is_streamed
            )

    ask(body)


def test_a_conversation_keeps_its_snapshot_when_the_alias_moves_on(ask):
    async def body(ann, _, served):
        before = served.watcher.state.snapshot
        first = await ann.responses.create(**ASKED, extra_body={"snapshot": before})
        grown = put_grown_snapshot(served.store, before)
        move_live(served.store, grown)
        assert await served.watcher.take(grown, timeout_s=5.0)
        second = await ann.responses.create(**ASKED, previous_response_id=first.id)
        assert second.eagleray == first.eagleray
        fresh = await ann.responses.create(**ASKED)
        assert fresh.eagleray["snapshot"] == grown

    ask(body)


def move_live(store, snapshot):
    collection = Collection(store, SPEC.name)
    move = AliasMove(
        expected=read_alias(collection, "live").snapshot, snapshot=snapshot, reason="publish", now=2
    )
    move_alias(collection, "live", move=move)


def test_responses_outlive_the_server_and_end_with_what_their_caller_may_see(ask):
    made = []

    async def begin(ann, _, __):
        made.append(await ann.responses.create(**ASKED))

    async def resume(ann, _, __):
        assert (await ann.responses.retrieve(made[0].id)).model_dump() == made[0].model_dump()
        second = await ann.responses.create(**ASKED, previous_response_id=made[0].id)
        assert second.eagleray == made[0].eagleray

    async def lose(ann, *_):
        assert await check_gone(ann, made[0].id) == await check_gone(ann, make_name("resp_"))

    ask(begin, groups=GROUPS)
    ask(resume, groups=(*GROUPS, "fx"))
    ask(lose, groups=GROUPS[:1])


def test_a_row_that_is_hidden_since_takes_the_response_with_it_and_one_that_is_closed_does_not(ask):
    async def body(ann, _, served):
        made = await ann.responses.create(**ASKED)
        cited = int(made.eagleray["citations"][0]["chunk_id"])
        closed = (cited, read_clock(), None)
        for change, is_there in ((closed, True), ((cited, OPEN_END, ["others"]), False)):
            patch = put_changes(served.store, [change])
            grown = put_grown_snapshot(served.store, served.watcher.state.snapshot, patches=[patch])
            move_live(served.store, grown)
            assert await served.watcher.take(grown, timeout_s=5.0)
            if is_there:
                assert (await ann.responses.retrieve(made.id)).id == made.id
            else:
                await check_gone(ann, made.id)

    ask(body)


def test_a_response_from_a_vector_store_goes_with_its_files(ask):
    async def body(ann, _, __):
        store, ids = await fill(ann, gilt=(NOTE, {}), bund=(OTHER, {}))
        tools = [{"type": "file_search", "vector_store_ids": [store.id]}]
        asked = {"model": "extractive", "input": "When is the zebracoupon of the gilt paid?"}
        first = await ann.responses.create(**asked, tools=tools)
        second = await ann.responses.create(**asked, previous_response_id=first.id)
        assert second.eagleray == first.eagleray
        assert (await ann.responses.retrieve(second.id)).model_dump() == second.model_dump()
        await ann.files.delete(ids["gilt"])
        await check_gone(ann, second.id)

    ask(body)


def test_a_damaged_record_is_an_error_and_no_answer(ask):
    async def body(ann, _, served):
        made = await ann.responses.create(**ASKED)
        (path,) = list_kept(served)
        served.store.write(path, b"{}")
        with pytest.raises(openai.InternalServerError):
            await ann.responses.retrieve(made.id)

    ask(body)
