"""Owns watching the embedded server while a command stays up: one that died is started again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from service.store.embedded import EmbeddedServer, ServerNotStarted

LOOK_SECONDS = 1.0
RETRY_SECONDS_MAX = 8.0
"""A server that does not start is tried again ever later, but not so late that a repair waits."""

OnTrouble = Callable[[ServerNotStarted], None]


@contextmanager
def supervised(server: EmbeddedServer, on_trouble: OnTrouble) -> Iterator[None]:
    """While inside, `server` is looked at every second, and brought back where it died.

    Everybody who shares a server may do so: its lock lets one start it, and the others find it
    running. `on_trouble` is called, in another thread, with each new reason why it does not start.
    """
    stop = threading.Event()
    watch = threading.Thread(
        target=_watch, args=(server, on_trouble, stop), name="database watch", daemon=True
    )
    watch.start()
    try:
        yield
    finally:
        # Before its user leaves: a watch that goes on would start what the last one stopped.
        stop.set()
        watch.join()


def _watch(server: EmbeddedServer, on_trouble: OnTrouble, stop: threading.Event) -> None:
    wait, told = LOOK_SECONDS, ""
    while not stop.wait(wait):
        try:
            server.bring_back()
        except ServerNotStarted as trouble:
            wait = min(2 * wait, RETRY_SECONDS_MAX)
            if str(trouble) != told:
                told = str(trouble)
                on_trouble(trouble)
        else:
            wait, told = LOOK_SECONDS, ""


__all__ = ["OnTrouble", "supervised"]
