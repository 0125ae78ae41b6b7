from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from eagleray.contracts.chat_models import ChatReply, FinishReason
from eagleray.contracts.cited_answers import TokenUsage
from serve.agents.agentic.budgets import (
    MIN_REPLY_TOKENS,
    charge,
    count_tokens,
    estimate_request,
    make_spending,
)
from serve.agents.ports import AnswerBudget
from tests.unit.serve.agents.agentic.scripted import Searcher, answer, ask, call, take_whole

CALLS = st.one_of(
    st.builds(lambda n: call("search", query=f"query {n}"), st.integers(0, 40)),
    st.builds(lambda n: call("open", document=f"d{n}"), st.integers(0, 40)),
    st.builds(lambda n: call("calculate", expression=f"U1.1 * {n}"), st.integers(1, 12)),
    st.builds(lambda n: call("search", query=f"a {n}") + call("search", query=f"b {n}"), st.integers(0, 9)),
    st.just("no call at all"),
    st.just(answer(("Sales were $ 9.", "U1"))),
)


class World:
    """A clock that every call moves on, and what every call found when it began."""

    def __init__(self, delays):
        self.now, self.delays, self.begun = 0.0, delays, []

    def take(self, kind, tokens):
        self.begun.append((kind, self.now, tokens))
        self.now += self.delays[len(self.begun) % len(self.delays)]


class TimedSearcher(Searcher):
    def __init__(self, world):
        super().__init__()
        self.world = world

    async def search(self, request):
        self.world.take("search", None)
        return await super().search(request)


class CountedModel:
    """Says what it is to say; tells of as many tokens as it is to tell, or as it had."""

    name = "counted"

    def __init__(self, world, replies, usages, context):
        self.context = context
        self.world, self.replies, self.usages, self.n, self.n_told = world, replies, usages, 0, 0

    async def stream(self, request):
        self.world.take("model", self.n_told)
        reply = self.replies[self.n % len(self.replies)]
        n_prompt = estimate_request(request.messages, request.tools)
        assert request.limits.max_tokens >= MIN_REPLY_TOKENS
        assert n_prompt + request.limits.max_tokens <= self.context
        usage = TokenUsage(n_prompt=n_prompt, n_completion=request.limits.max_tokens)
        if self.usages is not None:
            usage = self.usages[self.n % len(self.usages)]
        self.n += 1
        calls = () if isinstance(reply, str) or request.schema else tuple(reply)
        self.n_told += 0 if usage is None else max(0, usage.n_prompt) + max(0, usage.n_completion)
        yield ChatReply(text="x", tool_calls=calls, finish=FinishReason.STOP, usage=usage)


USAGES = st.lists(
    st.one_of(
        st.none(),
        st.builds(
            lambda n, m: TokenUsage(n_prompt=n, n_completion=m),
            st.integers(-100, 20_000),
            st.integers(-100, 5_000),
        ),
    ),
    min_size=1,
    max_size=6,
)


def run(budget, max_steps, replies, delays, usages):
    world = World(delays)
    model = CountedModel(world, replies, usages, budget.context_tokens)
    options = {"budget": budget, "max_steps": max_steps, "clock": lambda: world.now}
    parts = asyncio.run(ask(model, TimedSearcher(world), **options))
    return world, model, take_whole(parts)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.integers(1, 12),
    tokens=st.integers(1, 30_000),
    context=st.integers(256, 8_192),
    timeout_s=st.floats(0.5, 60.0),
    replies=st.lists(CALLS, min_size=1, max_size=12),
    delays=st.lists(st.floats(0.0, 10.0), min_size=1, max_size=6),
    usages=st.one_of(st.none(), USAGES),
)
def test_no_call_begins_once_a_budget_is_used_up(steps, tokens, context, timeout_s, replies, delays, usages):
    budget = AnswerBudget(context_tokens=context, answer_tokens=tokens, timeout_s=timeout_s)
    world, model, given_answer = run(budget, steps, replies, delays, usages)
    assert len(world.begun) <= steps
    assert all(at < timeout_s for _, at, _ in world.begun)
    assert all(told < tokens for kind, _, told in world.begun if kind == "model")
    if usages is None:  # a model that keeps its limits, and prompts that are as long as they are taken to be
        assert model.n_told <= tokens
    assert given_answer.is_answered


def test_what_a_server_tells_of_tokens_counts_and_nothing_is_given_back():
    assert count_tokens(None, text="abcdef", n_prompt=7) == (7, 2)
    assert count_tokens(TokenUsage(n_prompt=-5, n_completion=3), text="abcdef", n_prompt=7) == (0, 3)


def test_a_call_that_was_begun_twice_is_two_steps_and_time_does_not_run_back():
    spent = charge(make_spending(), seconds=2.0, n_steps=2, n_prompt=7, n_completion=2)
    assert spent == {"steps": 2, "n_prompt": 7, "n_completion": 2, "seconds": 2.0}
    assert charge(spent, seconds=1.0)["seconds"] == 2.0
