"""A chat model of each kind."""

from __future__ import annotations

import pytest

from eagleray.testing import RepeatingChatModel
from eagleray.testing.chat_models import ChatModelContract
from tests.chat_server import ChatServer, repeat_words


class TestChatModels(ChatModelContract):
    """The fake, and the models of a server."""

    @pytest.fixture(params=["repeating", "openai-server"])
    def make_model(self, request):
        if request.param == "repeating":
            return RepeatingChatModel
        return ChatServer(repeat_words).make_model
