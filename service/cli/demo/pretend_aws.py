"""The demo's pretend AWS: one world of accounts and bills on loopback, and who works in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.environment import Environment
from sandbox.aws import Clock, StrictAWS
from sandbox.bills import Simulation
from sandbox.server import REGION, SandboxAWS
from service.cli import output
from service.cli.demo.onboarding import Provider, open_provider, opening_day
from service.cli.system.serve import run_server

OWN_KEYS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
)


@contextmanager
def pretend_aws(
    environment: Environment, simulation: Simulation
) -> Iterator[tuple[Provider, SandboxAWS]]:
    """Its clock stands still before the first bill; identity policies and guards are in force.

    While it lasts, boto3 of this process finds nothing but the sandbox.
    """
    organization = simulation.organization()
    month_bills = [simulation.bill(month) for month in simulation.periods()]
    aws = StrictAWS(payer_id=organization.payer.id, clock=Clock(opening_day(organization)))
    with aws.installed(), aws.enforced(), SandboxAWS(month_bills) as server:
        aws.endpoint_url = server.endpoint_url
        _forget_the_real_one()
        os.environ.update(aws.environment(endpoint_url=server.endpoint_url))
        yield open_provider(environment.database, aws), server


def _forget_the_real_one() -> None:
    """This process has no business there."""
    for name in OWN_KEYS:
        os.environ.pop(name, None)
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull


def serve_pretend_aws(
    environment: Environment, office: Provider, server: SandboxAWS, out: Path, *, port: int
) -> None:
    """The API, the pretend AWS and a worker, until interrupted."""
    path = (out / "aws-config").resolve()
    path.touch()
    path.chmod(0o600)
    path.write_text(office.aws_configuration(), encoding="utf-8")
    variables = {
        "AWS_CONFIG_FILE": str(path),
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ENDPOINT_URL": server.endpoint_url,
        "AWS_DEFAULT_REGION": REGION,
    }
    office.aws.clock.run()
    output.say("\nThe pretend AWS stays up. For commands in another terminal:")
    output.say("  export " + " ".join(f"{name}={value}" for name, value in variables.items()))
    with _worker(variables):
        run_server(environment.database, environment.snapshots.root, host="127.0.0.1", port=port)


@contextmanager
def _worker(variables: dict[str, str]) -> Iterator[None]:
    """`rebill worker`, a process of its own, with the profiles of the pretend provider."""
    inherited = {name: value for name, value in os.environ.items() if name not in OWN_KEYS}
    command = [sys.executable, "-c", "from service.cli import main; main()", "worker"]
    process = subprocess.Popen(  # noqa: S603 - this very program
        command, env=inherited | variables, stdout=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)
