"""Owns the way in: a pretend AWS for one `with` block, its clients, its clock and its faults."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Self

import boto3
import botocore.session
from botocore.config import Config
from moto.server import ThreadedMotoServer

from sandbox.aws.core.clock import Clock
from sandbox.aws.core.faults import Faults
from sandbox.aws.core.guard import no_network
from sandbox.aws.core.mailbox import Mailbox
from sandbox.aws.core.people import Owner
from sandbox.aws.core.rules import Rules
from sandbox.aws.core.sessions import Principal
from sandbox.aws.core.world import AwsAccount, World
from sandbox.aws.http.door import Door, LogEntry
from sandbox.aws.http.hooks import bent, in_process
from sandbox.aws.organizations.accounts import add_member

PAYER = "111111111111"


class StrictAWS:
    """`with StrictAWS() as aws:` answers boto3 in process; `aws.serve()` besides on loopback.

    `installed()` alone bends moto's classes and answers nothing in process, for a moto server
    started by somebody else. One at a time per process: moto's own state is global.
    """

    def __init__(
        self,
        *,
        payer_id: str = PAYER,
        clock: Clock | None = None,
        rules: Rules | None = None,
        faults: Faults | None = None,
        seed: int = 1,
    ) -> None:
        self.clock = clock or Clock()
        self.faults = faults or Faults()
        self.world = World(payer_id=payer_id, clock=self.clock, rules=rules or Rules(), seed=seed)
        self.door = Door(self.world, self.faults)
        self.world.add_standalone(payer_id, name="payer", email="payer@msp.example")
        self._stack = ExitStack()
        self._clients: dict[Any, Any] = {}
        self.endpoint_url = ""
        """Where `client` sends its calls: nowhere but in process, unless this is set."""

    def __enter__(self) -> Self:
        self._stack.enter_context(self.installed())
        self._stack.enter_context(in_process())
        return self

    def __exit__(self, *trouble: Any) -> None:
        self._stack.close()

    @contextmanager
    def installed(self) -> Iterator[Self]:
        with no_network(), bent(self.door):
            yield self
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    @contextmanager
    def serve(self, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
        """A server, on loopback by default; gives its address, to be used as `endpoint_url`."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer(ip_address=host, port=port, verbose=False)
        server.start()
        try:
            _, bound = server.get_host_and_port()
            yield f"http://127.0.0.1:{bound}"
        finally:
            server.stop()

    # Who calls. ------------------------------------------------------------------------

    def session(self, account_id: str = "") -> boto3.Session:
        """Signed in as an administrator of this account (the payer's, if none is named)."""
        return as_session(self.world.administrator_of(account_id or self.world.payer_id))

    def root_session(self, account_id: str) -> boto3.Session:
        return as_session(self.world.root_of(account_id))

    def client(self, service: str, account_id: str = "", *, endpoint_url: str = "") -> Any:
        """A boto3 client of that administrator, which sends every call once.

        Clients in process are kept from one `StrictAWS` to the next: making one is what costs.
        """
        caller = self.world.administrator_of(account_id or self.world.payer_id)
        url = endpoint_url or self.endpoint_url
        if not url:
            return _kept_client(service, caller)
        if (service, caller, url) not in self._clients:
            self._clients[service, caller, url] = _new_client(service, caller, url)
        return self._clients[service, caller, url]

    def environment(self, account_id: str = "", *, endpoint_url: str = "") -> dict[str, str]:
        """What to put into the environment of a process that makes its own clients."""
        caller = self.world.administrator_of(account_id or self.world.payer_id)
        variables = {
            "AWS_ACCESS_KEY_ID": caller.access_key_id,
            "AWS_SECRET_ACCESS_KEY": caller.secret_access_key,
            "AWS_SESSION_TOKEN": caller.session_token,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        return variables | ({"AWS_ENDPOINT_URL": endpoint_url} if endpoint_url else {})

    # The pretend world. ----------------------------------------------------------------

    def add_standalone(self, account_id: str, *, email: str, name: str = "Client") -> AwsAccount:
        """An account outside our organization, with an owner of its own."""
        return self.world.add_standalone(account_id, name=name, email=email)

    def add_member(self, account_id: str, *, name: str, email: str) -> AwsAccount:
        """A member of the payer's organization with this id, as if CreateAccount had made it."""
        organization = self.world.account(self.world.payer_id).organization
        assert organization is not None, "set up the organization first"
        return add_member(self.world, organization, account_id, name=name, email=email)

    def account(self, account_id: str) -> AwsAccount:
        return self.world.account(account_id)

    def owner(self, account_id: str) -> Owner:
        """The person who does for this account what only a person at the console can do."""
        return Owner(self.world, self.world.account(account_id))

    def reserve_id(self, email: str, account_id: str) -> None:
        """The account created with this e-mail gets this id."""
        self.world.reserved_ids[email.lower()] = account_id

    def fail_creation(self, email: str, *reasons: str) -> None:
        """The next creations with this e-mail end FAILED, for these of AWS's reasons in turn."""
        self.world.failures.setdefault(email.lower(), []).extend(reasons)

    def stub(
        self, service: str, operation: str, answer: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> None:
        """Answer an operation by a function of its parameters, checked against botocore's model."""
        self.world.stubs[service, operation] = answer

    @contextmanager
    def enforced(self) -> Iterator[None]:
        """While it lasts, callers may do only what their own policies allow."""
        self.world.enforcing = True
        try:
            yield
        finally:
            self.world.enforcing = False

    @property
    def mail(self) -> Mailbox:
        return self.world.mail

    @property
    def log(self) -> list[LogEntry]:
        return self.door.log

    def calls(self, name: str) -> list[LogEntry]:
        """The logged calls of one operation, e.g. `organizations:CreateAccount`."""
        return self.door.calls(name)

    def set_up_organization(self) -> str:
        """The payer's organization with all features and the trusted access we need; its id."""
        organizations, iam = self.client("organizations"), self.client("iam")
        created = organizations.create_organization(FeatureSet="ALL")["Organization"]
        for principal in ("account.amazonaws.com", "iam.amazonaws.com"):
            organizations.enable_aws_service_access(ServicePrincipal=principal)
        iam.enable_organizations_root_credentials_management()
        iam.enable_organizations_root_sessions()
        return str(created["Id"])

    def create_account(self, *, name: str, email: str, **more: Any) -> str:
        """CreateAccount, polled until it is done; the new account's id."""
        organizations = self.client("organizations")
        status = organizations.create_account(AccountName=name, Email=email, **more)
        request_id = status["CreateAccountStatus"]["Id"]
        for _ in range(50):
            status = organizations.describe_create_account_status(CreateAccountRequestId=request_id)
            if status["CreateAccountStatus"]["State"] != "IN_PROGRESS":
                break
            self.clock.sleep(self.world.rules.creation_seconds / 10)
        return str(status["CreateAccountStatus"]["AccountId"])


def as_session(caller: Principal) -> boto3.Session:
    return session_of(caller.access_key_id, caller.secret_access_key, caller.session_token)


def session_from(credentials: dict[str, Any]) -> boto3.Session:
    """A session from what AssumeRole, AssumeRoot, GetSessionToken or CreateAccessKey gave."""
    return session_of(
        credentials["AccessKeyId"],
        credentials["SecretAccessKey"],
        credentials.get("SessionToken", ""),
    )


def session_of(key: str, secret: str, token: str) -> boto3.Session:
    """Sessions share what they read of the service models: that is most of a client's cost."""
    core = botocore.session.Session()
    core.register_component("data_loader", _models())
    session = boto3.Session(
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token or None,
        region_name="us-east-1",
        botocore_session=core,
    )
    # boto3 adds its folder to the shared search path once per session.
    _models().search_paths[:] = dict.fromkeys(_models().search_paths)
    return session


@functools.cache
def _kept_client(service: str, caller: Principal) -> Any:
    return _new_client(service, caller, None)


def _new_client(service: str, caller: Principal, endpoint_url: str | None) -> Any:
    session: Any = as_session(caller)
    once = Config(retries={"total_max_attempts": 1})
    return session.client(service, config=once, endpoint_url=endpoint_url)


@functools.cache
def _models() -> Any:
    return botocore.session.Session().get_component("data_loader")
