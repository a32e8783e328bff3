"""The commands that stay up: the API, and workers that move runs."""

from typing import Annotated

import typer
import uvicorn

from jobs.environment import Environment
from jobs.tasks import work
from service.actions.access.create_api_key import create_api_key
from service.app import create_app
from service.cli import output
from service.cli.application import app
from service.cli.opening import ACTOR, opened
from service.settings import Settings
from service.store.access import keys
from service.store.access.keys import Scope

STOPS_WITHIN_SECONDS = 5
"""Who listens to a stream would otherwise keep the server up until the stream ends."""

Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65_535, help="The port to listen on.")]


@app.command()
def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve the API at /v1; the first start prints the one key that administers it."""
    with opened() as environment:
        key = first_key(environment)
        if key is not None:
            output.say(f"API key, shown this once: {key}")
        run_server(environment, host=host, port=port)


def first_key(environment: Environment) -> str | None:
    """An administrator's key, made where there is no key at all; None where there is one."""
    with environment.database.transaction() as session:
        if keys.is_any_key(session):
            return None
        return create_api_key(
            session, "bootstrap", scopes=tuple(Scope), actor=ACTOR, now=environment.now()
        )


def run_server(environment: Environment, *, host: str, port: int) -> None:
    """Until interrupted."""
    output.say(f"http://{host}:{port}/v1/health")
    uvicorn.run(
        create_app(environment.database),
        host=host,
        port=port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=STOPS_WITHIN_SECONDS,
    )


@app.command()
def worker() -> None:
    """Move runs until told to stop; start any number, on any machine of the installation."""
    with opened() as environment:
        output.say("moving runs; interrupt to stop after those at hand")
        work(environment, concurrency=Settings().worker_concurrency)
