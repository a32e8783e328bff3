"""Owns what a hand-over would break or delete: what AWS is asked about it, and what that means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from accounts.aws.calls import read
from accounts.aws.error_policy import is_final
from accounts.checks.dependencies import CODES, PEOPLE, STACKS, dependencies_of
from accounts.handover.context import HandoverContext, ensure_attested
from accounts.model.decision import Call, Decision, NeedsHuman
from accounts.model.record import Record

NOT_ASKED = (
    "StackSets of other regions or of delegated administrators, RAM shares and reservations of "
    "other regions, policies, keys and buckets that name our organization or payer, organization "
    "trails and detectors, event buses, backup copies, Control Tower"
)
"""AWS has no question for these that the payer or our role could ask at a reasonable cost."""


def ensure_no_delegated_services(context: HandoverContext) -> Decision | None:
    services = context.observed.delegated_services
    if services is None:
        return read(
            "see_delegated_services", "organizations", "ListDelegatedServicesForAccount",
            session=context.payer_session, fills="delegated_services", AccountId=context.account_id,
        )  # fmt: skip
    if not services:
        return None
    return NeedsHuman(
        reason=f"the account administers {', '.join(services)} for the organization",
        what_to_do="deregister it as delegated administrator, then retry",
    )


def ensure_stacks_kept(context: HandoverContext) -> Decision | None:
    """AWS deletes what such a StackSet made in an account, as soon as the account has left."""
    for call in _stack_questions(context):
        if call is not None:
            return call
    sets, found = context.observed.stack_sets or {}, context.observed.dependencies
    # Unless set to retain, AWS deletes (CloudFormation API reference, `AutoDeployment`):
    # `tests/unit/accounts/handover/test_separation.py`,
    # `test_a_stack_set_that_deletes_on_departure_is_in_the_way`.
    lost = [name for name, deletes in sets.items() if deletes and found.get(f"{STACKS}:{name}")]
    if not lost:
        return None
    return NeedsHuman(
        reason=f"AWS deletes the stacks of {', '.join(lost)} in the account when it leaves",
        what_to_do="let these StackSets retain stacks on account removal, or take the account "
        "out of them and keep its stacks, then retry",
    )


def ensure_dependencies_asked(context: HandoverContext) -> Decision | None:
    """It blocks nothing, and is shown to the person who attests that nothing depends on us."""
    for call in (*_people_questions(context), *_member_questions(context)):
        if call is not None:
            return call
    return None


def ensure_dependencies_settled(context: HandoverContext) -> Decision | None:
    """A person has looked at what was found, and for what AWS cannot be asked."""
    found = [finding.message for finding in dependencies_of(context.record)]
    told = f"the account {'; the account '.join(found)}. Besides, " if found else ""
    unasked = "".join(f", {words}" for words in _unasked(context.record))
    return ensure_attested(context, "dependencies", f"{told}look for {NOT_ASKED}{unasked}")


def _stack_questions(context: HandoverContext) -> Iterator[Call | None]:
    if context.observed.stack_sets is None:
        yield read(
            "see_stack_sets", "cloudformation", "ListStackSets",
            session=context.payer_session, fills="stack_sets", Status="ACTIVE",
        )  # fmt: skip
    for name in sorted(context.observed.stack_sets or ()):
        yield _unless_observed(context, read(
            STACKS, "cloudformation", "ListStackInstances", fills="dependencies",
            session=context.payer_session, subject=name, StackSetName=name,
            StackInstanceAccount=context.account_id,
        ))  # fmt: skip


def _people_questions(context: HandoverContext) -> Iterator[Call | None]:
    directories = read(
        "see_directories",
        "sso-admin",
        "ListInstances",
        session=context.payer_session,
        fills="dependencies",
    )
    yield _unless_observed(context, directories)
    for arn in context.observed.dependencies.get(directories.key, ()):
        yield _unless_observed(context, read(
            PEOPLE, "sso-admin", "ListPermissionSetsProvisionedToAccount", fills="dependencies",
            session=context.payer_session, subject=arn,
            InstanceArn=arn, AccountId=context.account_id,
        ))  # fmt: skip


def _member_questions(context: HandoverContext) -> Iterator[Call | None]:
    """As the member itself; where it is refused, a person looks instead."""
    for step, service, operation, arguments in (
        ("see_shares_given", "ram", "GetResourceShares", _shares("SELF")),
        ("see_shares_taken", "ram", "GetResourceShares", _shares("OTHER-ACCOUNTS")),
        ("see_reservations", "ec2", "DescribeReservedInstances", _ACTIVE),
        ("see_savings_plans", "savingsplans", "DescribeSavingsPlans", {"states": ["active"]}),
    ):
        call = read(
            step, service, operation, fills="dependencies", session=context.member, **arguments
        )
        if not is_refused(context.record, call):
            yield _unless_observed(context, call)


_ACTIVE = {"Filters": [{"Name": "state", "Values": ["active"]}]}


def _shares(owner: str) -> dict[str, Any]:
    return {"resourceOwner": owner, "resourceShareStatus": "ACTIVE"}


def is_refused(record: Record, call: Call) -> bool:
    """Has AWS said no, rather than not now?"""
    trouble = record.troubles.get(call.key)
    return trouble is not None and is_final(trouble.refusal)


def _unasked(record: Record) -> Iterator[str]:
    for step, (code, _) in CODES.items():
        if (trouble := record.troubles.get(step)) is not None:
            yield f"{code.replace('_', ' ')} (AWS says {trouble.refusal.code})"


def _unless_observed(context: HandoverContext, call: Call) -> Call | None:
    return None if call.key in context.observed.dependencies else call
