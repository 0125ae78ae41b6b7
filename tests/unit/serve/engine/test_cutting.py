from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.embedders import open_tokenize
from eagleray.setting_groups.engine import EmbedderSettings
from serve.engine.cutting import cut_text

TOKENIZE = {name: open_tokenize(EmbedderSettings(model=name)) for name in ("hashing", "minilm")}


@pytest.mark.parametrize("model", TOKENIZE)
@given(text=st.text(max_size=60), most=st.integers(2, 12), is_start_cut=st.booleans())
def test_what_is_kept_is_an_end_of_the_text_that_fits_and_nothing_is_cut_without_need(
    model, text, most, is_start_cut
):
    tokenize = TOKENIZE[model]
    kept = cut_text(text, most, tokenize=tokenize, is_start_cut=is_start_cut)
    assert len(tokenize(kept)) <= most
    assert text.endswith(kept) if is_start_cut else text.startswith(kept)
    if len(tokenize(text)) <= most:
        assert kept == text


def test_words_are_cut_at_the_models_own_tokens():
    kept = cut_text("coupons of the 2029 notes", 2 + 3, tokenize=TOKENIZE["minilm"])
    assert [token.text for token in TOKENIZE["minilm"](kept)][1:-1] == ["coup", "ons", "of"]


def test_special_tokens_have_no_place():
    first, *_, last = TOKENIZE["minilm"]("Zürich")
    assert (first.text, first.place, last.text, last.place) == ("[CLS]", None, "[SEP]", None)
