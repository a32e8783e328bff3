"""Owns the check that migrations and tables agree: `python -m service.store.check_migrations`.

With a message it writes the missing migration instead: `… check_migrations "add clients"`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from service.store.embedded import EmbeddedServer
from service.store.upgrade import check, revise, upgrade


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer.attach(Path(folder) / "postgres", {"fsync": "off"})
        try:
            upgrade(server.conninfo())
            match sys.argv[1:]:
                case [message]:
                    revise(server.conninfo(), message)
                case _:
                    check(server.conninfo())
        finally:
            server.release()


if __name__ == "__main__":
    main()
