"""The command of workers, which move runs and onboardings until they are told to stop."""

from jobs.tasks import work
from service.cli import output
from service.cli.opening import opened
from service.settings import Settings


def worker() -> None:
    """Move runs until told to stop; start any number, on any machine of the installation."""
    with opened() as environment:
        output.say("moving runs; interrupt to stop after those at hand")
        work(environment, concurrency=Settings().worker_concurrency)
