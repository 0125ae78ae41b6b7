"""Text in documents that reads like an instruction to a language model: found, so that it can be reported.

Finding it is a warning, not the defence: whatever a model writes is held against what it cites, and text that
is not found here is fenced all the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from eagleray.contracts.cited_answers import AnswerNotice, NoticeKind
from eagleray.contracts.hits import Hit

_READER: Final = (
    r"(?:ai|a\.i\.|assistant|chat ?bot|llm|(?:large )?language model|ai (?:model|agent|system))s?"
)
_PATTERNS: Final = (
    # What was said before is to be passed over.
    r"\b(?:ignore|disregard(?! for| of)|forget|override|bypass|neglect"
    r"|(?:stop|do not|don't) follow(?:ing)?)\b"
    r"[^.]{0,40}\b(?:instructions?|prompts?|directives?|guidelines?|(?:previous|prior|earlier) (?:rules?|"
    r"messages?|context|conversation)|(?:the )?(?:rules|question|everything|all) (?:above|before|so far)|"
    r"everything (?:you|that)|what you (?:were|have been) told)\b",
    # A model is addressed, or told who it is.
    rf"\b(?:you are (?:now )?|you're now |act as |pretend (?:to be|that you are) )(?:an? |the )?{_READER}\b",
    rf"\b(?:attention|note (?:to|for)|dear|hey|hello|instructions? (?:to|for)|message (?:to|for)|if you are) "
    rf"(?:an? |the |any |all |every )?{_READER}\b",
    r"\b(?:new|updated|additional|revised|special|hidden|system|developer) "
    r"(?:instructions?|prompt|directive) ?:",
    r"\b(?:developer|debug|jailbreak|god|admin(?:istrator)?|do anything now) mode "
    r"(?:is )?(?:on|enabled|activated)\b",
    # Marks of a conversation.
    r"<\|[a-z_]{2,30}\|>|<\/?(?:start|end)_of_turn>|\[\/?inst\]|<<\/?sys>>"
    r"|<\/?(?:system|assistant|tool_call)>",
    r"(?:^|\n)[ >#*]{0,8}(?:system|assistant|developer|### ?(?:instruction|response)) ?:",
    # What is to be given away, or kept back.
    r"\b(?:reveal|print|repeat|output|show|leak|disclose|display|send|quote)\b[^.]{0,30}"
    r"\b(?:your|the|its|system|hidden|initial) (?:system |hidden |initial |secret )?"
    r"(?:prompts?|instructions|api keys?|passwords?|credentials)\b",
    r"\b(?:do not|don't|never) (?:tell|mention|cite|reveal|inform|warn|quote)\b[^.]{0,40}"
    r"\b(?:user|source|citations?|instructions?)\b",
    # What is to be said or done.
    r"\b(?:tell|inform|convince|instruct|urge|persuade|advise) the (?:user|reader|human|person asking)\b",
    r"\bwhen(?:ever)? (?:you are |you're )?(?:asked|answering|summari[sz]ing)\b[^.]{0,60}"
    r"\b(?:say|answer|reply|respond|state|claim|recommend|cite)\b",
    r"(?:^|\n|[.!?:;] ) ?(?:please |now |always |instead,? |you must |you should |you will )?"
    r"(?:respond|reply|answer|output|print|say|write|return)\b (?:only |exactly |just )?"
    r"(?:with |that |the following|exactly|only|the words?|this question|every question|[\"'\u201c\u2018])",
    r"\b(?:call|invoke|execute|trigger) (?:the |a )?[`\"']?[\w.]{1,40}[`\"']? (?:tool|function|command)\b",
)
_INSTRUCTION: Final = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS).replace(" ", r"\s"))
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_BLANKS: Final = re.compile(r"[ \t\u00a0]+")


def reads_like_instruction(text: str) -> bool:
    """Return whether some of a text reads like an instruction to a language model.

    Case, the forms of characters and invisible ones between them make no difference.
    """
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).replace("\u2019", "'")
    return _INSTRUCTION.search(_BLANKS.sub(" ", text.lower())) is not None


def note_instructions(texts: Iterable[tuple[str, str]]) -> tuple[AnswerNotice, ...]:
    """Return a notice for each document of which some text reads like an instruction.

    Args:
        texts: id of the document, and text of it.
    """
    return make_instruction_notices(doc_id for doc_id, text in texts if reads_like_instruction(text))


def withhold_instructions(hits: Iterable[Hit]) -> tuple[tuple[Hit, ...], tuple[AnswerNotice, ...]]:
    """Return the passages that a model may read, and a notice for each document of another one."""
    kept, withheld = list[Hit](), list[str]()
    for hit in hits:
        if reads_like_instruction("\n".join((hit.title, hit.heading, hit.text))):
            withheld.append(hit.doc_id)
        else:
            kept.append(hit)
    return tuple(kept), make_instruction_notices(withheld)


def make_instruction_notices(doc_ids: Iterable[str]) -> tuple[AnswerNotice, ...]:
    """Return a notice for each document that has text that reads like an instruction."""
    return tuple(
        AnswerNotice(
            kind=NoticeKind.INSTRUCTION,
            text=f"Document {doc_id!r} has text that reads like an instruction to a language model; "
            "it was not followed.",
        )
        for doc_id in dict.fromkeys(doc_ids)
    )
