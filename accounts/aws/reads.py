"""Owns the reads of onboarding: which call of AWS fills which field of what is observed."""

from __future__ import annotations

from accounts.aws.calls import read
from accounts.model.decision import Actor, Call, Session
from accounts.model.organization import TAG_CLIENT, ContactType

ROOT_TASKS = "policy/root-task"


def read_organization() -> Call:
    return read("see_organization", "organizations", "DescribeOrganization", fills="organization")


def read_accounts() -> Call:
    return read("see_accounts", "organizations", "ListAccounts", fills="accounts")


def read_account(account_id: str) -> Call:
    return read(
        "see_account", "organizations", "DescribeAccount", fills="account", AccountId=account_id
    )


def read_account_tags(account_id: str) -> Call:
    return read(
        "see_account_tags",
        "organizations",
        "ListTagsForResource",
        fills="account_tags",
        ResourceId=account_id,
    )


def read_creations() -> Call:
    # The list has neither e-mail nor tags (API reference, `CreateAccountStatus`), which is why the
    # name that was asked for holds the token (DECISIONS 23).
    return read("see_creations", "organizations", "ListCreateAccountStatus", fills="creations")


def read_creation(request_id: str) -> Call:
    return read(
        "see_creation",
        "organizations",
        "DescribeCreateAccountStatus",
        fills="creations",
        CreateAccountRequestId=request_id,
    )


def read_handshakes() -> Call:
    return read(
        "see_handshakes",
        "organizations",
        "ListHandshakesForOrganization",
        fills="handshakes",
        Filter={"ActionType": "INVITE"},
    )


def read_invitations(session: Session) -> Call:
    """As the member: its payer does not see another's invitation."""
    return read(
        "see_invitations",
        "organizations",
        "ListHandshakesForAccount",
        fills="invitations",
        session=session,
        Filter={"ActionType": "INVITE"},
    )


def read_transfers() -> Call:
    return read(
        "see_transfers",
        "organizations",
        "ListInboundResponsibilityTransfers",
        fills="transfers",
        Type="BILLING",
    )


def read_parent(account_id: str) -> Call:
    return read("see_parent", "organizations", "ListParents", fills="parent_id", ChildId=account_id)


def read_scps(account_id: str) -> Call:
    return read(
        "see_guards",
        "organizations",
        "ListPoliciesForTarget",
        fills="scp_ids",
        TargetId=account_id,
        Filter="SERVICE_CONTROL_POLICY",
    )


def read_contact(account_id: str, contact_type: ContactType) -> Call:
    return read(
        "see_contact",
        "account",
        "GetAlternateContact",
        fills="contacts",
        subject=contact_type,
        AccountId=account_id,
        AlternateContactType=contact_type.value,
    )


def read_roles(session: Session) -> Call:
    """All roles and our managed policies at once, with trusts, tags and boundaries."""
    return read(
        "see_roles",
        "iam",
        "GetAccountAuthorizationDetails",
        fills="roles",
        session=session,
        Filter=["Role", "LocalManagedPolicy"],
    )


def read_session_lengths(session: Session) -> Call:
    # A second list for one number: GetAccountAuthorizationDetails leaves MaxSessionDuration out.
    return read("see_session_lengths", "iam", "ListRoles", fills="session_seconds", session=session)


def root_session(partition: str, account_id: str, task: str) -> Session:
    """As the member's root, for one of AWS's root tasks."""
    arn = f"arn:{partition}:iam::aws:{ROOT_TASKS}/{task}"
    return Session(actor=Actor.ROOT, account_id=account_id, task_policy_arn=arn)


def read_root(partition: str, account_id: str) -> Call:
    return read(
        "audit_root",
        "iam",
        "GetAccountSummary",
        fills="root",
        session=root_session(partition, account_id, "IAMAuditRootUserCredentials"),
    )


def read_budget(payer_account_id: str, name: str) -> Call:
    return read(
        "see_budget",
        "budgets",
        "DescribeBudget",
        fills="budget",
        AccountId=payer_account_id,
        BudgetName=name,
    )


def read_cost_tags() -> Call:
    return read(
        "see_cost_tags", "ce", "ListCostAllocationTags", fills="cost_tags", TagKeys=[TAG_CLIENT]
    )
