"""A load balancer before web servers that have a port each, as machines would have an address each."""

import asyncio
import contextlib
import itertools
import threading
from asyncio import StreamReader, StreamWriter
from collections import Counter

from demo.plan import HOST

CHUNK_BYTES = 64 * 1024
type Streams = tuple[StreamReader, StreamWriter]


class Balancer(threading.Thread):
    """Leads each connection to the next port in turn, past those where nobody listens."""

    def __init__(self, port: int, nodes: list[int]) -> None:
        super().__init__(name="balancer", daemon=True)
        self._port, self._nodes, self._turn = port, nodes, itertools.cycle(nodes)
        self.led_to: Counter[int] = Counter()

    def __str__(self) -> str:
        counts = ", ".join(f"{count:,}" for count in self.led_to.values())
        return f"{len(self.led_to)}, which took {counts} connections"

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        async with await asyncio.start_server(self._carry, HOST, self._port) as server:
            await server.serve_forever()

    async def _carry(self, reader: StreamReader, writer: StreamWriter) -> None:
        with contextlib.closing(writer):
            if connection := await self._next():
                there, back = connection
                with contextlib.closing(back):
                    ways = [
                        asyncio.create_task(_pump(reader, back)),
                        asyncio.create_task(_pump(there, writer)),
                    ]
                    _, other = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                    for way in other:
                        way.cancel()

    async def _next(self) -> Streams | None:
        """Return a connection to the node whose turn it is, or to the next that is up; None when none is."""
        for _ in self._nodes:
            port = next(self._turn)
            with contextlib.suppress(OSError):
                connection = await asyncio.open_connection(HOST, port)
                self.led_to[port] += 1
                return connection
        return None


async def _pump(reader: StreamReader, writer: StreamWriter) -> None:
    with contextlib.suppress(OSError):  # whoever was killed says nothing more
        while some := await reader.read(CHUNK_BYTES):
            writer.write(some)
            await writer.drain()
