"""How the one-process server listens."""

from __future__ import annotations

import asyncio
import socket

from serve.service import listen


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
