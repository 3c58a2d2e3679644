"""A port of this machine for a process that is still to be started."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """A free port of 127.0.0.1 that the system gives to nobody else meanwhile.

    It is bound and not listened on: who asks for it by its number, with ``SO_REUSEADDR`` as servers do, may listen.
    A port that is let go before can be another process's by then. Until somebody listens, connections are refused.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])
