"""uvicorn, which ends what streams before it waits for what is still being answered.

It ends on a signal, and where the app has to end by itself. httptools parses requests, and the loop
is uvloop's where there is one: see docs/adr/0012.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

FAILED_TO_START = 3
"""The exit code, as uvicorn's own command has it."""
STALLED = 0.5
"""Seconds after which a connection is cut whose client takes nothing: it would not take the end."""


MAX_HEAD = 64 * 1024
"""Bytes of a request's line and headers, or of what follows its body."""


class Protocol(HttpToolsProtocol):
    """Refuses a head without an end, which httptools alone would keep in memory for ever."""

    _headed = 0  # bytes since the last that began a request or belonged to its body

    def data_received(self, data: bytes) -> None:
        self._headed += len(data)
        super().data_received(data)
        if self._headed > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response("Headers are too long.")

    def on_message_begin(self) -> None:
        self._headed = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        self._headed = 0
        super().on_body(body)


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's; asyncio's own on systems that uvloop is not made for."""
    try:
        import uvloop  # noqa: PLC0415  (it may be missing)
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


LOOP = f"{__name__}:{new_loop.__name__}"
"""For ``uvicorn.Config(loop=…)``."""


class Server(uvicorn.Server):
    """Without this, open streams hold up the end of the process until their time is over."""

    def __init__(
        self,
        config: uvicorn.Config,
        end_streams: Callable[[], None],
        has_to_end: Callable[[], bool],
    ) -> None:
        super().__init__(config)
        self._end_streams = end_streams
        self._has_to_end = has_to_end

    async def on_tick(self, counter: int) -> bool:
        return await super().on_tick(counter) or self._has_to_end()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end_streams()
        cutting = asyncio.get_running_loop().call_later(STALLED, self._cut_stalled)
        await super().shutdown(sockets)
        cutting.cancel()

    def _cut_stalled(self) -> None:
        for connection in list(self.server_state.connections):
            flow: FlowControl | None = getattr(connection, "flow", None)
            if flow is not None and flow.write_paused:
                connection.transport.abort()


def run(
    config: uvicorn.Config, end_streams: Callable[[], None], has_to_end: Callable[[], bool]
) -> None:
    """Serve until a signal comes, or the app has to end, which is asked ten times a second.

    ``end_streams`` is called on the loop before open answers are waited for.
    """
    server = Server(config, end_streams, has_to_end)
    server.run()
    if not server.started:
        sys.exit(FAILED_TO_START)
