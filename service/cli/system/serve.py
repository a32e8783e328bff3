"""The command that serves the API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
import uvicorn

from kernel.errors import Unavailable
from service.actions.access.create_api_key import create_api_key
from service.app import create_app
from service.cli import output
from service.cli.installation import ACTOR, Installation, open_installation
from service.store.access import keys
from service.store.access.keys import Scope
from service.store.database import Database
from service.store.embedded import ServerNotStarted

STOPS_WITHIN_SECONDS = 5
"""Who listens to a stream would otherwise keep the server up until the stream ends."""

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65_535, help="The port to listen on.")]


def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve the API at /v1; the first start prints the one key that administers it."""
    with open_installation() as installation:
        key = first_key(installation)
        if key is not None:
            output.say(f"API key, shown this once: {key}")
        run_server(installation.database, host=host, port=port)


def first_key(installation: Installation) -> str | None:
    """An administrator's key, made where there is no key at all; None where there is one."""
    with installation.database.transaction() as session:
        if keys.is_any_key(session):
            return None
        return create_api_key(
            session, "bootstrap", scopes=tuple(Scope), actor=ACTOR, now=installation.now()
        )


def run_server(database: Database, *, host: str, port: int) -> None:
    """Until interrupted. Without a database it answers 503, and goes on as soon as there is one."""
    output.say(f"http://{host}:{port}/v1/health")
    with database.supervised(_complain_and_go_on), _telling_that_it_cannot_listen(host, port):
        uvicorn.run(
            create_app(database),
            host=host,
            port=port,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=STOPS_WITHIN_SECONDS,
        )


@contextmanager
def _telling_that_it_cannot_listen(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except SystemExit as ended:  # uvicorn's way; it has told the reason
        raise Unavailable(f"cannot listen on {host}:{port}") from ended


def _complain_and_go_on(trouble: ServerNotStarted) -> None:
    output.complain(f"{trouble}; tried again until it works")
