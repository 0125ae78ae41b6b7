"""Words of questions that tell no sentence from another, and are never highlighted.

These are more than the index leaves out (`indexes.lexical.compounds`): there a word costs nothing where it
does not help, here it would be shown as what was asked for.
"""

from __future__ import annotations

from typing import Final

_ARTICLES_AND_LINKS: Final = (
    "a an and as at because been before below between both but by during each either for from further if "
    "in into nor of off on once onto or out over per same so some such than that the then there these "
    "this those through to too toward towards under until up upon via when whether while with within "
    "without"
)
_PRONOUNS: Final = (
    "he her hers herself him himself his i it its itself me my myself one ones our ours ourselves "
    "she their theirs them themselves they we you your yours yourself yourselves"
)
_VERBS: Final = (
    "am are be being can cannot could did do does doing done had has have having is let might must ought "
    "shall should was were will would"
)
_QUESTIONS: Final = (
    "about again all also any are do few how however just many more most much no not now only other "
    "others own please respective respectively show tell very what whatever where which whichever who "
    "whom whose why"
)
_SHORT_FORMS: Final = (
    "aren't can't couldn't didn't doesn't don't hadn't hasn't haven't isn't it's let's mustn't shouldn't "
    "that's wasn't we're weren't what's who's won't wouldn't you're"
)

STOP_SURFACES: Final = frozenset(
    word.replace("'", "")
    for words in (_ARTICLES_AND_LINKS, _PRONOUNS, _VERBS, _QUESTIONS, _SHORT_FORMS)
    for word in words.split()
)
"""As words are before stemming, folded (`LexicalToken.surface`)."""
