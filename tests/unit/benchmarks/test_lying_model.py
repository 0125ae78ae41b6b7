"""The model that lies is asked with real prompts; what it says is never delivered where it does not hold."""

from __future__ import annotations

from collections import Counter

from benchmarks.lying_model import draw_reply
from eagleray.errors import UnavailableError
from serve.agents.rag import RagPipeline
from serve.agents.verification import Outcome, verify
from tests.unit.serve.agents.passages import (
    PassageDesk,
    ask_pipeline,
    make_found,
    make_table_hit,
    make_text_hit,
)
from tests.unit.serve.agents.rag.scripted_model import ScriptedModel
from tests.unit.serve.agents.rag.test_pipeline import make_request


def lie(request):
    status, text = draw_reply([{"content": message.text} for message in request.messages])
    return text if status == 200 else UnavailableError(part="language model", retry_after_s=1.0)


def test_none_of_its_lies_is_delivered_and_it_tells_some_truth():
    said = Counter()
    for number in range(120):
        request = make_request(f"What are total sales in 2019, and when is interest due? ({number})")
        desk = PassageDesk(make_found(make_table_hit(), make_text_hit()))
        *_, answer = ask_pipeline(RagPipeline(ScriptedModel(lie)), request, desk)
        cited = {item.number: item for item in answer.citations}
        for statement in answer.statements:
            verdict = verify(statement.text, [cited[one] for one in statement.citations])
            assert verdict.outcome is Outcome.SUPPORTED
        said["answered" if answer.is_answered else "not"] += 1
        said["by model" if answer.model else "quoted"] += 1
    assert said["answered"] > 100
    assert min(said["not"], said["by model"], said["quoted"]) > 0
