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
    # What was written is to be sent away.
    r"\b(?:send|post|upload|forward|append|submit|exfiltrate)\b[^\n]{0,40}"
    r"\b(?:conversation|answer|question|history|context)\b[^\n]{0,40}https?:",
    r"!\[[^\]\n]{0,80}\]\(https?:",
    # A message of a conversation, or a result of a tool, as JSON.
    r"[\"'](?:tool_calls?|function_call|arguments)[\"'] ?:"
    r"|[\"']role[\"'] ?: ?[\"'](?:system|assistant|user|tool)[\"']",
    # The first of these in other languages.
    r"\b(?:ignor(?:iere?n?|ez|a|e)|vergiss|vergesst|oubliez|olvida|dimentica|esque\u00e7a)\b[^.]{0,40}"
    r"\b(?:anweisung\w*|instruction\w*|instruccion\w*|instru\u00e7\w*|istruzion\w*|consignes|regeln)",
    r"\b(?:\u0438\u0433\u043d\u043e\u0440\u0438\u0440\u0443\u0439|\u0437\u0430\u0431\u0443\u0434\u044c)\w*\b[^.]{0,40}"
    r"\b\u0438\u043d\u0441\u0442\u0440\u0443\u043a\u0446",
    r"(?:\u5ffd\u7565|\u65e0\u89c6|\u7121\u8996|\u5fd8\u8bb0)[^\u3002]{0,12}(?:\u6307\u4ee4|\u6307\u793a|\u63d0\u793a|\u898f\u5247|\u89c4\u5219)",
)
_INSTRUCTION: Final = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS).replace(" ", r"\s"))
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_BLANKS: Final = re.compile(r"[ \t\u00a0]+")
_ENCODED: Final = re.compile(
    r"(?<![\w+/=])(?:(?=[A-Za-z0-9+/]{0,200}[a-z])(?=[A-Za-z0-9+/]{0,200}[A-Z])(?=[A-Za-z0-9+/]{0,200}\d)"
    r"[A-Za-z0-9+/]{48,}={0,2}|(?:[0-9a-f]{2}){48,})(?![\w+/=])"
)
"""Text in base64 or hexadecimal, which no reader reads."""

_SPACED: Final = re.compile(r"(?:(?<!\w)\w +){12,}")
"""Words whose letters stand apart."""

_BETWEEN_LETTERS: Final = re.compile(r"(?<=\w) (?=\w)")
_LOOKALIKES: Final = str.maketrans(
    "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456\u0458\u0455\u03bf\u03b1" + "431057" + "$@!",
    "aceopxyijsoa" + "aeiost" + "sai",
)
"""Letters of other scripts, digits and signs that stand for Latin letters (lower case)."""


def reads_like_instruction(text: str) -> bool:
    """Return whether some of a text reads like an instruction to a language model.

    Case, the forms of characters, lookalikes and what stands between them unseen make no difference. Text
    in an encoding that no reader reads counts, too.
    """
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).replace("\u2019", "'")
    if _ENCODED.search(text):
        return True
    text = _SPACED.sub(lambda spaced: _BETWEEN_LETTERS.sub("", spaced.group()), text)
    plain = _BLANKS.sub(" ", text.lower())
    return any(_INSTRUCTION.search(form) for form in (plain, plain.translate(_LOOKALIKES)))


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
