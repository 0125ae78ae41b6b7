"""How the one-process server listens."""

from __future__ import annotations

import asyncio
import socket

import pytest

from eagleray.contracts.services import ServeRequest
from eagleray.errors import ExposureError
from eagleray.settings import Settings
from serve.service import HttpServeService, listen


def test_no_answer_waits_for_the_clients_acknowledgement():
    """Without TCP_NODELAY the second packet of an answer waits up to 40 ms on a connection that is kept."""

    async def look():
        options = asyncio.get_running_loop().create_future()

        async def serve(reader, writer):
            accepted = writer.get_extra_info("socket")
            options.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listening = listen("127.0.0.1", 0)
        async with await asyncio.start_server(serve, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            async with asyncio.timeout(10):
                option = await options
            writer.close()
            return option

    assert asyncio.run(look())


def test_the_option_that_was_given_is_named_where_it_is_refused(tmp_path):
    service = HttpServeService(Settings(store=str(tmp_path)))
    request = ServeRequest(host="0.0.0.0", port=0, is_development=True)  # noqa: S104 - what must be refused
    with pytest.raises(ExposureError, match="--development is for loopback alone; leave it out"):
        service.serve(request, print)
