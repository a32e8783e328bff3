"""The command that serves the API."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn

from kernel.errors import Refused, Unavailable
from kernel.room import NoRoom, no_room
from service.actions.access.create_api_key import create_api_key
from service.api.billing.explanations import Explain
from service.api.listening import CONNECTIONS_MAX, DeadlineProtocol
from service.app import create_app
from service.cli import output
from service.cli.installation import ACTOR, Installation, open_installation
from service.store.access import keys
from service.store.access.keys import Scope
from service.store.database import Database
from service.store.embedded import ServerNotStarted

FIRST_KEY = "first-api-key"
STOPS_WITHIN_SECONDS = 5
"""Who listens to a stream would otherwise keep the server up until the stream ends."""

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65_535, help="The port to listen on.")]


def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve the API at /v1; the first start writes the one key that administers it to a file."""
    with open_installation() as installation:
        installation.database.check_clock(installation.now())
        written = write_first_key(installation)
        if written is not None:
            output.say(f"the first API key is in {written}: take it to where it is kept, delete it")
        run_server(installation.database, installation.home / "snapshots", host=host, port=port)


def write_first_key(installation: Installation) -> Path | None:
    """Where an administrator's key is now, made where no key opens; None where one does.

    A file that only its owner reads: what is printed ends up in the logs of whatever supervises.
    """
    path, now = installation.home / FIRST_KEY, installation.now()
    with installation.database.transaction() as session:
        if keys.is_any_key(session, now):
            return None
        key = create_api_key(session, "bootstrap", scopes=tuple(Scope), actor=ACTOR, now=now)
        try:
            # Written before it is in the database: a key that opens and is nowhere helps nobody.
            path.unlink(missing_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(key + "\n")
        except OSError as trouble:
            if no_room(trouble):
                path.unlink(missing_ok=True)
                raise NoRoom(trouble.strerror or "no room", str(path)) from trouble
            raise Refused(f"the first API key cannot be written: {path}: {trouble.strerror}") from (
                trouble
            )
    return path


def explaining(database: Database, snapshots: Path) -> Explain:
    """By the snapshots that are kept here; whoever asks first waits until Polars is loaded."""

    def explain(invoice_id: int, line_key: str) -> dict[str, Any]:
        from jobs.explanation import explain as explain_line
        from jobs.snapshots import Snapshots

        return explain_line(database, Snapshots(snapshots), invoice_id, line_key).to_json()

    return explain


def run_server(database: Database, snapshots: Path, *, host: str, port: int) -> None:
    """Until interrupted. Without a database it answers 503, and goes on as soon as there is one."""
    output.say(f"http://{host}:{port}/v1/health")
    with database.supervised(_complain_and_go_on), _telling_that_it_cannot_listen(host, port):
        uvicorn.run(
            create_app(database, explain=explaining(database, snapshots)),
            host=host,
            port=port,
            log_level="warning",
            server_header=False,
            # It would believe X-Forwarded-For of whoever calls from this machine, a proxy or not,
            # https://www.uvicorn.org/deployment/#proxies-and-forwarded-headers: another address
            # with each guess, and no guess is ever slowed down.
            proxy_headers=False,
            timeout_graceful_shutdown=STOPS_WITHIN_SECONDS,
            http=DeadlineProtocol,
            limit_concurrency=CONNECTIONS_MAX,
        )


@contextmanager
def _telling_that_it_cannot_listen(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except SystemExit as ended:  # uvicorn's way; it has told the reason
        raise Unavailable(f"cannot listen on {host}:{port}") from ended


def _complain_and_go_on(trouble: ServerNotStarted) -> None:
    output.complain(f"{trouble}; tried again until it works")
