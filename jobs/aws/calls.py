"""Owns one call to AWS, given as plain values: who signs it, how often it is sent, what came back.

Two kinds of clients: what may be repeated is repeated by botocore, adaptively; what may not is sent
once, for botocore would repeat a request whose answer was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
)
from botocore.parsers import ResponseParserError

from jobs.aws.signers import NoCode, Signers

_TIMES = Config(connect_timeout=5, read_timeout=60, max_pool_connections=2)
REPEATED = _TIMES.merge(Config(retries={"mode": "adaptive", "total_max_attempts": 10}))
# One attempt in all: botocore repeats a request whose answer was lost, and of CreateAccount that is
# a second account:
# `tests/jobs/onboarding/test_sending.py::test_a_read_is_repeated_and_a_creation_is_not`.
ONCE = _TIMES.merge(Config(retries={"total_max_attempts": 1}))

SESSION_SECONDS = 900
"""AWS's least: long enough for one visit."""
SLACK = timedelta(seconds=60)
# A region even for global services: STS's global endpoint does not take AssumeRoot (API reference,
# `AssumeRoot`): `tests/unit/sandbox_aws/test_root.py::test_who_may_become_root_of_whom`.
GLOBAL_REGION = "us-east-1"
CODE_REFUSED = "MfaCodeRefused"
"""Our code for AWS's AccessDenied to an MFA code: each is good once, the next comes in 30 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBy:
    """`signer` itself, or what it becomes: a role, a member's root, or itself with MFA."""

    signer: str
    role_arn: str = ""
    external_id: str = ""
    session_name: str = ""
    source_identity: str = ""
    root_of: str = ""
    task_policy_arn: str = ""
    with_mfa: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """`operation` as in the API reference; arguments as boto3 takes them."""

    service: str
    operation: str
    arguments: Mapping[str, Any] = field(repr=False)
    signed_by: SignedBy
    once: bool
    """Never repeated, not even by botocore."""
    region: str = ""
    """'' for the one of the clients."""


@dataclass(frozen=True, slots=True)
class Answered:
    values: Mapping[str, Any] = field(repr=False)
    """All pages merged; secrets of sessions are left out."""
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsRefused:
    """AWS's error verbatim, or `ResponseLost` where nobody knows what became of the call.

    `CODE_REFUSED` where the call was not even sent, for want of a session with MFA.
    """

    code: str
    reason: str = ""
    message: str = ""
    request_id: str = ""


Reply = Answered | AwsRefused


class Clients:
    """One client per service and kind, whoever signs: making one costs more than a call.

    Not for two threads: the credentials are exchanged between calls.
    """

    def __init__(self, *, region: str = GLOBAL_REGION, repeated: Config = REPEATED) -> None:
        self._region = region
        self._configs = {True: ONCE, False: repeated}
        self._held = _Held()
        self._session = _session_of(self._held, region)
        self._made: dict[tuple[str, bool, str], Any] = {}

    def client(
        self, service: str, credentials: ReadOnlyCredentials, *, once: bool, region: str = ""
    ) -> Any:
        kind = (service, once, region or self._region)
        if kind not in self._made:
            session: Any = self._session
            self._made[kind] = session.client(
                service, region_name=kind[2], config=self._configs[once]
            )
        self._held.frozen = credentials
        return self._made[kind]

    def close(self) -> None:
        for client in self._made.values():
            client.close()


class Caller:
    """Performs calls one after the other; the sessions it gets are kept in memory until they end.

    So one code of an MFA device is enough for a quarter of an hour of calls.
    """

    def __init__(self, signers: Signers, clients: Clients, now: Callable[[], datetime]) -> None:
        self._signers, self._clients, self._now = signers, clients, now
        self._sessions: dict[SignedBy, tuple[ReadOnlyCredentials, datetime]] = {}

    def can_sign_as(self, signer: str) -> bool:
        return self._signers.get(signer) is not None

    def send(self, sent: Sent) -> Reply:
        """The answer or the refusal; a defect of ours, such as an unknown operation, raises."""
        try:
            credentials = self._credentials(sent.signed_by)
            client = self._clients.client(
                sent.service, credentials, once=sent.once, region=sent.region
            )
            return _answer(client, sent)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in (
                "ExpiredToken",
                "ExpiredTokenException",
            ):
                self._sessions.clear()
            return _refused(error)
        except _CodeRefused as error:
            return error.refused
        except _NotSigned as error:
            return AwsRefused(code="NoCredentials", message=str(error))
        except (NoCredentialsError, CredentialRetrievalError) as error:
            return AwsRefused(code="NoCredentials", message=str(error))
        except ParamValidationError as error:
            return AwsRefused(code="ParamValidationError", message=" ".join(str(error).split()))
        except (BotoCoreError, ResponseParserError) as error:
            # A server error of a load balancer is no XML: what became of the call is unknown too.
            return AwsRefused(code="ResponseLost", message=" ".join(str(error).split()))

    def _credentials(self, signed_by: SignedBy) -> ReadOnlyCredentials:
        signer = self._signers.get(signed_by.signer)
        if signer is None:
            raise _NotSigned(f"nobody signs as {signed_by.signer}: add it to the AWS configuration")
        own = signer.session.get_credentials()
        if own is None:
            raise _NotSigned(f"there are no AWS credentials for {signed_by.signer}")
        frozen: ReadOnlyCredentials = own.get_frozen_credentials()
        if signed_by == SignedBy(signer=signed_by.signer):
            return frozen
        kept = self._sessions.get(signed_by)
        if kept is not None and self._now() + SLACK < kept[1]:
            return kept[0]
        became = self._become(signed_by, self._clients.client("sts", frozen, once=False))
        credentials = ReadOnlyCredentials(
            became["AccessKeyId"], became["SecretAccessKey"], became["SessionToken"]
        )
        alive = {who: held for who, held in self._sessions.items() if self._now() < held[1]}
        self._sessions = alive | {signed_by: (credentials, became["Expiration"])}
        return credentials

    def _become(self, signed_by: SignedBy, sts: Any) -> Mapping[str, Any]:
        if signed_by.root_of:
            # 900 seconds are this call's most as well (API reference, `AssumeRoot`).
            answer = sts.assume_root(
                TargetPrincipal=signed_by.root_of,
                TaskPolicyArn={"arn": signed_by.task_policy_arn},
                DurationSeconds=SESSION_SECONDS,
            )
        elif signed_by.with_mfa:
            # A session with MFA and not MFA in each AssumeRole, as a code is good once:
            # `tests/unit/sandbox_aws/test_trust.py::test_a_code_is_good_once`.
            answer = _session_with(sts, self._proof(signed_by.signer))
        else:
            named = {
                "ExternalId": signed_by.external_id,
                "SourceIdentity": signed_by.source_identity,
            }
            answer = sts.assume_role(
                RoleArn=signed_by.role_arn,
                RoleSessionName=signed_by.session_name,
                DurationSeconds=SESSION_SECONDS,
                **{key: value for key, value in named.items() if value},
            )
        became: Mapping[str, Any] = answer["Credentials"]
        return became

    def _proof(self, name: str) -> dict[str, str]:
        signer = self._signers.get(name)
        if signer is None or not signer.mfa_serial or signer.mfa_code is None:
            raise _NotSigned(f"{name} has no mfa_serial and mfa_process in the AWS configuration")
        try:
            code = signer.mfa_code()
        except NoCode as trouble:
            words = f"the mfa_process of {name} {trouble}"
            raise _CodeRefused(AwsRefused(code=CODE_REFUSED, message=words)) from None
        return {"SerialNumber": signer.mfa_serial, "TokenCode": code}


def _session_with(sts: Any, proof: Mapping[str, str]) -> Any:
    """Raises _CodeRefused: that says nothing of the role which was to be assumed with it."""
    try:
        return sts.get_session_token(DurationSeconds=SESSION_SECONDS, **proof)
    except ClientError as error:
        refused = _refused(error)
        # A wrong or used code is refused in the words of a role that distrusts us (API reference,
        # `GetSessionToken`): `tests/jobs/onboarding/test_mfa_codes.py`,
        # `test_a_used_code_is_not_taken_for_a_role_that_refuses`.
        if refused.code == "AccessDenied":
            raise _CodeRefused(replace(refused, code=CODE_REFUSED)) from error
        raise


class _CodeRefused(Exception):
    def __init__(self, refused: AwsRefused) -> None:
        super().__init__(refused.message)
        self.refused = refused


class _NotSigned(Exception):
    """Nothing was sent: whose credentials these should be is not configured."""


class _Held(Credentials):
    """Credentials exchanged from call to call; botocore asks for them at each signature."""

    def __init__(self) -> None:
        super().__init__("none", "none")
        self.frozen = ReadOnlyCredentials("none", "none", None)

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return self.frozen

    def load_credentials(self) -> _Held:
        """As botocore asks its chain of providers."""
        return self


def _session_of(held: _Held, region: str) -> boto3.Session:
    core = botocore.session.Session()
    core.register_component("credential_provider", held)
    return boto3.Session(botocore_session=core, region_name=region)


def _answer(client: Any, sent: Sent) -> Answered:
    name = botocore.xform_name(sent.operation)
    if client.can_paginate(name):
        return _all_pages(client.get_paginator(name).paginate(**sent.arguments))
    values: dict[str, Any] = {}
    token: dict[str, str] = {}
    while True:
        page = getattr(client, name)(**sent.arguments, **token)
        values = _merged(values, page)
        # botocore has no paginator for some newer lists, such as
        # ListInboundResponsibilityTransfers.
        if sent.once or not page.get("NextToken"):
            return Answered(values, _request_id(page))
        token = {"NextToken": page["NextToken"]}


def _all_pages(pages: Any) -> Answered:
    values: dict[str, Any] = {}
    request_id = ""
    for page in pages:
        values, request_id = _merged(values, page), _request_id(page)
    return Answered(values, request_id)


def _merged(before: dict[str, Any], page: Mapping[str, Any]) -> dict[str, Any]:
    """Lists grow, anything else is the latest page's."""
    after = dict(before)
    for key, value in page.items():
        # The secrets of a session never leave this module:
        # `tests/jobs/onboarding/test_create.py::test_no_session_token_or_policy_is_written_down`.
        if key in ("ResponseMetadata", "Credentials"):
            continue
        grows = isinstance(value, list) and key in before
        after[key] = [*before[key], *value] if grows else value
    return after


def _request_id(page: Mapping[str, Any]) -> str:
    return str(page.get("ResponseMetadata", {}).get("RequestId", ""))


def _refused(error: ClientError) -> AwsRefused:
    response: Any = error.response
    said = response.get("Error", {})
    return AwsRefused(
        code=str(said.get("Code", "")) or "Unknown",
        reason=str(response.get("Reason", "")),
        message=str(said.get("Message", "")),
        request_id=_request_id(response),
    )


__all__ = ["Answered", "AwsRefused", "Caller", "Clients", "Reply", "Sent", "SignedBy"]
