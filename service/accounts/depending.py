"""Owns what a departure would break or delete: what AWS is asked about it, and what that means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from service.accounts.calls import Call, Decision, NeedsHuman, Send, Session
from service.accounts.facts import Facts
from service.accounts.findings import Finding, warning
from service.accounts.leaving import Leaving, attested_by_a_person
from service.accounts.record import Record
from service.accounts.refusals import is_final

FAMILY = "leaving_"
"""How the codes of these findings begin."""
_STACKS = "see_stacks"
_PEOPLE = "see_people"
_CODES = {
    _STACKS: ("stack_sets", "is managed by the StackSet {what}; nobody updates its stacks then"),
    "see_shares_given": ("shares_given", "shares {what} with others; who is outside loses it"),
    "see_shares_taken": ("shares_taken", "uses what is shared with it as {what}, and may lose it"),
    _PEOPLE: ("people", "is reached by people with {what} of Identity Center, who lose it"),
    "see_reservations": ("reservations", "has bought {what}; they go with it, for nobody else"),
    "see_savings_plans": ("savings_plans", "has bought {what}; they go with it, for nobody else"),
}
NOT_ASKED = (
    "StackSets of other regions or of delegated administrators, RAM shares and reservations of "
    "other regions, policies, keys and buckets that name our organization or payer, organization "
    "trails and detectors, event buses, backup copies, Control Tower"
)
"""AWS has no question for these that the payer or our role could ask at a reasonable cost."""


def no_delegated_services(leaving: Leaving) -> Decision | None:
    services = leaving.facts.delegated_services
    if services is None:
        return _organization_s(
            leaving, "see_delegated_services", "organizations", "ListDelegatedServicesForAccount",
            tells="delegated_services", AccountId=leaving.account_id,
        )  # fmt: skip
    if not services:
        return None
    return NeedsHuman(
        reason=f"the account administers {', '.join(services)} for the organization",
        what_to_do="deregister it as delegated administrator, then retry",
    )


def stacks_kept(leaving: Leaving) -> Decision | None:
    """AWS deletes what such a StackSet made in an account, as soon as the account has left."""
    for call in _stack_questions(leaving):
        if call is not None:
            return call
    sets, found = leaving.facts.stack_sets or {}, leaving.facts.dependencies
    lost = [name for name, deletes in sets.items() if deletes and found.get(f"{_STACKS}:{name}")]
    if not lost:
        return None
    return NeedsHuman(
        reason=f"AWS deletes the stacks of {', '.join(lost)} in the account when it leaves",
        what_to_do="let these StackSets retain stacks on account removal, or take the account "
        "out of them and keep its stacks, then retry",
    )


def rest_asked(leaving: Leaving) -> Decision | None:
    """It blocks nothing, and is told to whoever vouches that nothing depends on us."""
    for call in (*_people_questions(leaving), *_member_questions(leaving)):
        if call is not None:
            return call
    return None


def dependencies_settled(leaving: Leaving) -> Decision | None:
    """A person has looked at what was found, and for what AWS cannot be asked."""
    found = [finding.message for finding in dependencies_of(leaving.record)]
    told = f"the account {'; the account '.join(found)}. Besides, " if found else ""
    unasked = "".join(f", {words}" for words in _unasked(leaving.record))
    return attested_by_a_person(leaving, "dependencies", f"{told}look for {NOT_ASKED}{unasked}")


def dependencies_of(record: Record) -> list[Finding]:
    return sorted(each for code, each in record.findings.items() if code.startswith(FAMILY))


def dependency_findings(account_id: str, facts: Facts) -> Mapping[str, Finding]:
    """In plain words, by code: what was found of what was asked so far."""
    named: dict[str, list[str]] = {}
    for key, names in facts.dependencies.items():
        step, _, subject = key.partition(":")
        if step in _CODES and names:
            named.setdefault(step, []).extend([subject] if step == _STACKS else sorted(names))
    return {
        FAMILY + code: warning(FAMILY + code, account_id, words.format(what=", ".join(named[step])))
        for step, (code, words) in _CODES.items()
        if step in named
    }


def _stack_questions(leaving: Leaving) -> Iterator[Call | None]:
    if leaving.facts.stack_sets is None:
        yield _organization_s(
            leaving, "see_stack_sets", "cloudformation", "ListStackSets",
            tells="stack_sets", Status="ACTIVE",
        )  # fmt: skip
    for name in sorted(leaving.facts.stack_sets or ()):
        yield _unless_seen(leaving, _organization_s(
            leaving, _STACKS, "cloudformation", "ListStackInstances", subject=name,
            StackSetName=name, StackInstanceAccount=leaving.account_id,
        ))  # fmt: skip


def _people_questions(leaving: Leaving) -> Iterator[Call | None]:
    directories = _organization_s(leaving, "see_directories", "sso-admin", "ListInstances")
    yield _unless_seen(leaving, directories)
    for arn in leaving.facts.dependencies.get(directories.key, ()):
        yield _unless_seen(leaving, _organization_s(
            leaving, _PEOPLE, "sso-admin", "ListPermissionSetsProvisionedToAccount", subject=arn,
            InstanceArn=arn, AccountId=leaving.account_id,
        ))  # fmt: skip


def _member_questions(leaving: Leaving) -> Iterator[Call | None]:
    """As the member itself; where it is refused, a person looks instead."""
    for step, service, operation, arguments in (
        ("see_shares_given", "ram", "GetResourceShares", _shares("SELF")),
        ("see_shares_taken", "ram", "GetResourceShares", _shares("OTHER-ACCOUNTS")),
        ("see_reservations", "ec2", "DescribeReservedInstances", _ACTIVE),
        ("see_savings_plans", "savingsplans", "DescribeSavingsPlans", {"states": ["active"]}),
    ):
        call = _ask(leaving.member, step, service, operation, **arguments)
        if not refused(leaving.record, call):
            yield _unless_seen(leaving, call)


_ACTIVE = {"Filters": [{"Name": "state", "Values": ["active"]}]}


def _shares(owner: str) -> dict[str, Any]:
    return {"resourceOwner": owner, "resourceShareStatus": "ACTIVE"}


def refused(record: Record, call: Call) -> bool:
    """Has AWS said no, rather than not now?"""
    trouble = record.troubles.get(call.key)
    return trouble is not None and is_final(trouble.refusal)


def _unasked(record: Record) -> Iterator[str]:
    for step, (code, _) in _CODES.items():
        if (trouble := record.troubles.get(step)) is not None:
            yield f"{code.replace('_', ' ')} (AWS says {trouble.refusal.code})"


def _unless_seen(leaving: Leaving, call: Call) -> Call | None:
    return None if call.key in leaving.facts.dependencies else call


def _organization_s(leaving: Leaving, step: str, service: str, operation: str, **more: Any) -> Call:
    """As the payer, by the offboarding role."""
    return _ask(leaving.offboard, step, service, operation, **more)


def _ask(
    session: Session,
    step: str,
    service: str,
    operation: str,
    *,
    subject: str = "",
    tells: str = "dependencies",
    **arguments: Any,
) -> Call:
    return Call(
        step=step,
        subject=subject,
        service=service,
        operation=operation,
        arguments=arguments,
        send=Send.READ,
        session=session,
        tells=tells,
    )
