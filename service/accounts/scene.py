"""Owns what every decision is made from, and the reads that fill it in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from service.accounts.calls import Actor, Call, Decision, Send, Session
from service.accounts.facts import Facts
from service.accounts.practice import TAG_CLIENT, ContactType, Practice
from service.accounts.record import Record
from service.accounts.request import Request
from service.accounts.roles import role_arn

ROOT_TASKS = "policy/root-task"


@dataclass(frozen=True, slots=True)
class Scene:
    """One visit: what is asked, what is seen, what is remembered, and the time."""

    practice: Practice
    request: Request
    facts: Facts
    record: Record
    now: datetime

    @property
    def account_id(self) -> str:
        assert self.record.account_id, "no account is linked yet"
        return self.record.account_id

    @property
    def bootstrap_arn(self) -> str:
        return role_arn(self.practice, self.account_id, self.practice.bootstrap_role)

    @property
    def member(self) -> Session:
        """In the member account, by the bootstrap role."""
        return Session(
            actor=Actor.MEMBER,
            account_id=self.account_id,
            role_arn=self.bootstrap_arn,
            external_id=self.request.external_id,
        )

    def root(self, task: str) -> Session:
        """As the member's root, for one of AWS's root tasks."""
        arn = f"arn:{self.practice.partition}:iam::aws:{ROOT_TASKS}/{task}"
        return Session(actor=Actor.ROOT, account_id=self.account_id, task_policy_arn=arn)


Goal = Callable[[Scene], Decision | None]
"""What has to be so. None: it is. Else the one thing to do about it."""


def _organizations(step: str, operation: str, tells: str, **arguments: object) -> Call:
    return Call(
        step=step,
        service="organizations",
        operation=operation,
        arguments=arguments,
        send=Send.READ,
        tells=tells,
    )


def see_organization() -> Call:
    return _organizations("see_organization", "DescribeOrganization", "organization")


def see_accounts() -> Call:
    return _organizations("see_accounts", "ListAccounts", "accounts")


def see_account(account_id: str) -> Call:
    return _organizations("see_account", "DescribeAccount", "account", AccountId=account_id)


def see_account_tags(account_id: str) -> Call:
    return _organizations(
        "see_account_tags", "ListTagsForResource", "account_tags", ResourceId=account_id
    )


def see_creations() -> Call:
    return _organizations("see_creations", "ListCreateAccountStatus", "creations")


def see_creation(request_id: str) -> Call:
    return _organizations(
        "see_creation",
        "DescribeCreateAccountStatus",
        "creations",
        CreateAccountRequestId=request_id,
    )


def see_handshakes() -> Call:
    return _organizations(
        "see_handshakes",
        "ListHandshakesForOrganization",
        "handshakes",
        Filter={"ActionType": "INVITE"},
    )


def see_invitations(session: Session) -> Call:
    """As the member: its payer is not told of another's invitation."""
    return Call(
        step="see_invitations",
        service="organizations",
        operation="ListHandshakesForAccount",
        arguments={"Filter": {"ActionType": "INVITE"}},
        send=Send.READ,
        session=session,
        tells="invitations",
    )


def see_transfers() -> Call:
    return _organizations(
        "see_transfers", "ListInboundResponsibilityTransfers", "transfers", Type="BILLING"
    )


def see_parent(account_id: str) -> Call:
    return _organizations("see_parent", "ListParents", "parent_id", ChildId=account_id)


def see_scps(account_id: str) -> Call:
    return _organizations(
        "see_guards",
        "ListPoliciesForTarget",
        "scp_ids",
        TargetId=account_id,
        Filter="SERVICE_CONTROL_POLICY",
    )


def see_contact(account_id: str, contact_type: ContactType) -> Call:
    return Call(
        step="see_contact",
        subject=contact_type,
        service="account",
        operation="GetAlternateContact",
        arguments={"AccountId": account_id, "AlternateContactType": contact_type.value},
        send=Send.READ,
        tells="contacts",
    )


def see_roles(session: Session) -> Call:
    """All roles and our managed policies at once, with trusts, tags and boundaries."""
    return Call(
        step="see_roles",
        service="iam",
        operation="GetAccountAuthorizationDetails",
        arguments={"Filter": ["Role", "LocalManagedPolicy"]},
        send=Send.READ,
        session=session,
        tells="roles",
    )


def see_session_lengths(session: Session) -> Call:
    return Call(
        step="see_session_lengths",
        service="iam",
        operation="ListRoles",
        arguments={},
        send=Send.READ,
        session=session,
        tells="session_seconds",
    )


def see_root(scene: Scene) -> Call:
    return Call(
        step="audit_root",
        service="iam",
        operation="GetAccountSummary",
        arguments={},
        send=Send.READ,
        session=scene.root("IAMAuditRootUserCredentials"),
        tells="root",
    )


def see_budget(scene: Scene, name: str) -> Call:
    return Call(
        step="see_budget",
        service="budgets",
        operation="DescribeBudget",
        arguments={"AccountId": scene.practice.payer_account_id, "BudgetName": name},
        send=Send.READ,
        tells="budget",
    )


def see_cost_tags() -> Call:
    return Call(
        step="see_cost_tags",
        service="ce",
        operation="ListCostAllocationTags",
        arguments={"TagKeys": [TAG_CLIENT]},
        send=Send.READ,
        tells="cost_tags",
    )
