"""Answers of this process, with the language model that settings name, where they name one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager

from eagleray.contracts.cited_answers import AnswerPart, AskRequest, CitedAnswer
from eagleray.contracts.ports import SearchEngine
from eagleray.setting_groups.language import LanguageModelSettings
from eagleray.settings import Settings
from serve.agents.local_answers import EngineSearcher, iterate_locally, take_answer
from serve.agents.pipelines import Pipelines, find_pipeline, make_pipelines
from serve.agents.ports import AnswerBudget
from serve.llm.openai_server import open_chat_model


@asynccontextmanager
async def open_pipelines(settings: LanguageModelSettings) -> AsyncIterator[Pipelines]:
    """Give what answers, for one event loop; the end of the block ends the connections to the model.

    Raises:
        InputError: the model's URL or key cannot be used.
    """
    model = open_chat_model(settings)
    budget = AnswerBudget(
        context_tokens=settings.context_tokens,
        reply_tokens=settings.reply_tokens,
        answer_tokens=settings.answer_tokens,
        timeout_s=settings.answer_timeout_s,
    )
    try:
        yield make_pipelines(model, budget)
    finally:
        if model is not None:
            await model.close()


class LocalAnswerService:
    """Answers questions about a snapshot that is open here."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings: they name the collection, and the model."""
        self._settings = settings

    def ask(self, request: AskRequest, engine: SearchEngine) -> CitedAnswer:
        """Return the answer.

        Raises:
            QueryError: there is no such pipeline, or the question cannot be searched for.
            EagleRayError: what answers failed.
        """
        return take_answer(self.ask_stream(request, engine))

    def ask_stream(self, request: AskRequest, engine: SearchEngine) -> Iterator[AnswerPart]:
        """Yield the statements of the answer, then the whole of it.

        Raises:
            EagleRayError: as `ask`.
        """
        return iterate_locally(self._answer(request, engine))

    async def _answer(self, request: AskRequest, engine: SearchEngine) -> AsyncGenerator[AnswerPart]:
        searcher = EngineSearcher(engine, collection=self._settings.collection)
        async with (
            open_pipelines(self._settings.llm) as pipelines,
            aclosing(find_pipeline(request, pipelines).answer(request, searcher)) as parts,
        ):
            async for part in parts:
                yield part
