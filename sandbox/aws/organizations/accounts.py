"""Owns how accounts come to be, are shown, and end: CreateAccount, leaving, removal, closing."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

from moto.iam.models import iam_backends

from sandbox.aws.core.calls import Answer, ApiCall, answers, page
from sandbox.aws.core.errors import AwsError, constraint, invalid
from sandbox.aws.core.mailbox import Message
from sandbox.aws.core.world import (
    CONTACT,
    AwsAccount,
    CreateRequest,
    Organization,
    World,
    state_of,
)
from sandbox.aws.organizations.organization import (
    described_account,
    join,
    managed,
    member,
    organization_of,
    readable,
)
from sandbox.aws.organizations.tags import read_tags

DEFAULT_ROLE = "OrganizationAccountAccessRole"
FORBIDDEN_IN_LOCAL_PART = re.compile(r"""[\s"'()<>\[\]:;,\\|%&]""")
ALL_ACCESS = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


# Creation. -----------------------------------------------------------------------------


@answers("organizations", "CreateAccount")
def create_account(call: ApiCall) -> Answer:
    organization = managed(call)
    _settle(call, organization)
    running = [r for r in organization.requests.values() if r.state == "IN_PROGRESS"]
    if len(running) >= call.world.rules.creations_in_flight:
        raise constraint("ACCOUNT_CREATION_RATE_LIMIT_EXCEEDED")
    if places_taken(call, organization) + len(running) >= call.world.rules.accounts:
        raise constraint("ACCOUNT_NUMBER_LIMIT_EXCEEDED")
    if call.params.get("RoleName", "").startswith("AWSServiceRoleFor"):
        raise invalid("INVALID_ROLE_NAME")
    read_tags(call.params.get("Tags", []))
    request = CreateRequest(call.world.new_id("car-", 32), dict(call.params), call.now)
    email = call.params["Email"].lower()
    request.twin = any(r.params["Email"].lower() == email for r in running)
    organization.requests[request.id] = request
    return {"CreateAccountStatus": _described(request)}


def places_taken(call: ApiCall, organization: Organization) -> int:
    """Members, closed ones too, and open invitations count against the quota."""
    invited = sum(
        1
        for h in call.world.handshakes.values()
        if h.organization is organization
        and h.action == "INVITE"
        and not h.settled
        and h.expires_at > call.now
    )
    return len(organization.members) + invited


def _settle(call: ApiCall, organization: Organization, *, polled: str = "") -> None:
    """Requests whose time has come are done, whether anybody looks or not."""
    rules = call.world.rules
    for request in organization.requests.values():
        if request.state != "IN_PROGRESS":
            continue
        request.polls += polled in ("*", request.id)
        due = request.requested_at + timedelta(seconds=rules.creation_seconds)
        if request.polls >= rules.creation_polls and call.now >= due:
            _complete(call, organization, request)


def _complete(call: ApiCall, organization: Organization, request: CreateRequest) -> None:
    world, email = call.world, request.params["Email"]
    request.completed_at = call.now
    planned = world.failures.get(email.lower())
    if planned:
        request.failure = planned.pop(0)
    elif request.twin:
        request.failure = "CONCURRENT_ACCOUNT_MODIFICATION"
    elif not valid_email(email):
        request.failure = "INVALID_EMAIL"
    elif world.account_with_email(email) is not None:
        request.failure = "EMAIL_ALREADY_EXISTS"
    else:
        request.account_id = _born(call, organization, request).id


def valid_email(email: str) -> bool:
    local, _, domain = email.rpartition("@")
    return (
        email.isascii()
        and "@" not in local
        and not local.startswith(".")
        and not FORBIDDEN_IN_LOCAL_PART.search(local)
        and "." in domain
    )


def _born(call: ApiCall, organization: Organization, request: CreateRequest) -> AwsAccount:
    params, world = request.params, call.world
    identity = world.new_account_id(params["Email"])
    account = add_member(
        world,
        organization,
        identity,
        name=params["AccountName"],
        email=params["Email"],
        role=params.get("RoleName", DEFAULT_ROLE),
    )
    account.tags = read_tags(params.get("Tags", []))
    words = f"Your AWS account {identity} is ready."
    world.mail.deliver(Message(account.email, "Welcome to Amazon Web Services", words, call.now))
    return account


def add_member(
    world: World,
    organization: Organization,
    account_id: str,
    *,
    name: str,
    email: str,
    role: str = DEFAULT_ROLE,
) -> AwsAccount:
    """No root password, no payment instrument: the payer's contact, and one role for the payer."""
    now = world.now()
    account = AwsAccount(
        account_id,
        name,
        email,
        now,
        now,
        payment_instrument=False,
        accepted_agreement=False,
        phone_status="UNVERIFIED",
    )
    account.contact = dict(world.account(organization.payer_id).contact or CONTACT)
    world.accounts[account_id] = account
    join(organization, account, at=now, method="CREATED")
    make_role(account_id, role, trusted_account=organization.payer_id)
    return account


def make_role(account_id: str, name: str, *, trusted_account: str) -> None:
    """An administrator role that the whole of another account may assume."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{trusted_account}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    iam: Any = iam_backends[account_id]["aws"]
    iam.create_role(name, json.dumps(trust), "/", None, "", [], "3600")
    iam.put_role_policy(name, "AdministratorAccess", ALL_ACCESS)


def _described(request: CreateRequest) -> Answer:
    answer: Answer = {
        "Id": request.id,
        "AccountName": request.params["AccountName"],
        "State": request.state,
        "RequestedTimestamp": request.requested_at,
    }
    if request.completed_at:
        answer["CompletedTimestamp"] = request.completed_at
    if request.account_id:
        answer["AccountId"] = request.account_id
    if request.failure:
        answer["FailureReason"] = request.failure
    return answer


@answers("organizations", "DescribeCreateAccountStatus")
def describe_request(call: ApiCall) -> Answer:
    organization = managed(call)
    _settle(call, organization, polled=call.params["CreateAccountRequestId"])
    request = organization.requests.get(call.params["CreateAccountRequestId"])
    if request is None:
        raise AwsError(
            "CreateAccountStatusNotFoundException", "We can't find that create account request."
        )
    return {"CreateAccountStatus": _described(request)}


@answers("organizations", "ListCreateAccountStatus")
def list_requests(call: ApiCall) -> Answer:
    organization = managed(call)
    _settle(call, organization, polled="*")
    lag = timedelta(seconds=call.world.rules.request_listing_seconds)
    states = call.params.get("States") or ["IN_PROGRESS", "SUCCEEDED", "FAILED"]
    found = [
        _described(r)
        for r in organization.requests.values()
        if r.state in states and r.requested_at + lag <= call.now
    ]
    return page(call, "CreateAccountStatuses", found)


# Showing. ------------------------------------------------------------------------------


def _present(call: ApiCall, organization: Organization) -> list[AwsAccount]:
    """Members as a listing shows them: new ones late, cleaned-up ones no more."""
    lag = timedelta(seconds=call.world.rules.listing_seconds)
    for account in list(organization.members.values()):
        if state_of(account, call.world.rules, call.now) == "CLOSED":
            depart(organization, account)
    return [
        a
        for a in organization.members.values()
        if a.joined_method != "CREATED" or a.joined_at + lag <= call.now
    ]


@answers("organizations", "ListAccounts")
def list_accounts(call: ApiCall) -> Answer:
    organization = readable(call)
    shown = _present(call, organization)
    return page(call, "Accounts", [described_account(call, organization, a) for a in shown])


@answers("organizations", "ListAccountsForParent")
def list_accounts_for_parent(call: ApiCall) -> Answer:
    organization, parent_id = readable(call), call.params["ParentId"]
    if parent_id != organization.root_id and parent_id not in organization.units:
        raise AwsError("ParentNotFoundException", "You specified a parent that doesn't exist.")
    shown = [a for a in _present(call, organization) if a.parent_id == parent_id]
    return page(call, "Accounts", [described_account(call, organization, a) for a in shown])


@answers("organizations", "DescribeAccount")
def describe_account(call: ApiCall) -> Answer:
    organization = readable(call)
    _present(call, organization)
    account = member(organization, call.params["AccountId"])
    return {"Account": described_account(call, organization, account)}


# Leaving. ------------------------------------------------------------------------------


@answers("organizations", "RemoveAccountFromOrganization")
def remove_account(call: ApiCall) -> Answer:
    organization = managed(call)
    account = member(organization, call.params["AccountId"])
    _check_may_stand_alone(call, organization, account)
    depart(organization, account)
    return {}


@answers("organizations", "LeaveOrganization")
def leave_organization(call: ApiCall) -> Answer:
    organization = organization_of(call)
    account = member(organization, call.account_id)
    _check_may_stand_alone(call, organization, account)
    depart(organization, account)
    return {}


def _check_may_stand_alone(call: ApiCall, organization: Organization, account: AwsAccount) -> None:
    check_may_depart(call, organization, account)
    if not account.payment_instrument:
        raise constraint("MEMBER_ACCOUNT_PAYMENT_INSTRUMENT_REQUIRED")
    if not account.payment_valid:
        raise constraint("INVALID_PAYMENT_INSTRUMENT")
    if account.phone_status != "VERIFIED":
        raise constraint("ACCOUNT_CANNOT_LEAVE_WITHOUT_PHONE_VERIFICATION")
    if not account.accepted_agreement:
        raise constraint("ACCOUNT_CANNOT_LEAVE_WITHOUT_EULA")


def check_may_depart(call: ApiCall, organization: Organization, account: AwsAccount) -> None:
    """What holds for every account that leaves, a direct transfer included."""
    if account.id == organization.payer_id:
        raise AwsError(
            "MasterCannotLeaveOrganizationException",
            "You can't remove a management account from an organization.",
        )
    if any(delegate == account.id for delegate, _ in organization.delegates):
        raise constraint("CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG")
    age = call.now - account.created_at
    if account.joined_method == "CREATED" and age < timedelta(days=call.world.rules.wait_days):
        raise constraint("WAIT_PERIOD_ACTIVE")


def depart(organization: Organization, account: AwsAccount) -> None:
    """Tags and attached policies go with the membership; roles in the account stay."""
    organization.members.pop(account.id, None)
    organization.attached.pop(account.id, None)
    for delegate in [key for key in organization.delegates if key[0] == account.id]:
        del organization.delegates[delegate]
    account.organization = None
    account.parent_id = ""
    account.tags = {}


# Closing. ------------------------------------------------------------------------------


@answers("organizations", "CloseAccount")
def close_account(call: ApiCall) -> Answer:
    organization = managed(call)
    account = member(organization, call.params["AccountId"])
    if account.id == organization.payer_id:
        raise constraint("CANNOT_CLOSE_MANAGEMENT_ACCOUNT")
    if account.closed_at is not None:
        raise AwsError("AccountAlreadyClosedException", "The account is already closed.")
    rules, now = call.world.rules, call.now
    recent = [at for at in organization.closures if at > now - timedelta(days=30)]
    members = len(organization.members)
    if len(recent) >= max(rules.closures_floor, min(1_000, members // 5)):
        raise constraint("CLOSE_ACCOUNT_QUOTA_EXCEEDED")
    if _closing(recent, now, rules.closing_seconds) >= rules.closures_in_flight:
        raise constraint("CLOSE_ACCOUNT_REQUESTS_LIMIT_EXCEEDED")
    account.closed_at = now
    organization.closures.append(now)
    return {}


def _closing(closures: list[datetime], now: datetime, seconds: float) -> int:
    return sum(1 for at in closures if now < at + timedelta(seconds=seconds))
