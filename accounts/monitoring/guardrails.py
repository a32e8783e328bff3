"""Owns what the daily look says of our guards: taken off an account, emptied, or gone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from accounts.aws.calls import read
from accounts.iam.policy_documents import guard_policies, same_policy
from accounts.model.decision import Answer, Call, Refusal
from accounts.model.organization import Reseller
from accounts.model.role_spec import Document
from kernel.findings import Finding, critical, warning

_MEANING = {
    "scp_membership": "it can leave the organization, and change our roles",
    "scp_root": "its root user can be used",
}
_MEND = "retry its onboarding, or attach it again"


def guard_looks(reseller: Reseller) -> tuple[Call, ...]:
    """Two for each guard, however many accounts there are."""
    return tuple(
        read(step, "organizations", operation, subject=file, PolicyId=policy_id)
        for file, policy_id in _guards(reseller).items()
        for step, operation in (
            ("see_guard", "DescribePolicy"),
            ("see_guarded", "ListTargetsForPolicy"),
        )
    )


def guard_findings(
    reseller: Reseller, accounts: Iterable[str], answers: Mapping[str, Answer]
) -> tuple[Finding, ...]:
    """`accounts`: live members that we guard. `answers`: to the looks, by their keys."""
    found: list[Finding] = []
    guarded = sorted(accounts)
    for file, policy_id in _guards(reseller).items():
        policy, targets = answers[f"see_guard:{file}"], answers[f"see_guarded:{file}"]
        refused = next((each for each in (policy, targets) if isinstance(each, Refusal)), None)
        if refused is not None:
            found.append(_unseen(policy_id, refused))
            continue
        assert not isinstance(policy, Refusal) and not isinstance(targets, Refusal)
        found += _emptied(reseller, file, policy_id, policy)
        # Asked by guard, not by account: two calls for each however many members there are.
        under = {str(target["TargetId"]) for target in targets["Targets"]}
        found += [
            critical("guard_detached", account_id, f"{policy_id} is off: {_MEANING[file]}; {_MEND}")
            for account_id in guarded
            if account_id not in under
        ]
    return tuple(sorted(found))


def _guards(reseller: Reseller) -> dict[str, str]:
    return {"scp_membership": reseller.membership_scp_id, "scp_root": reseller.root_scp_id}


def _unseen(policy_id: str, refused: Refusal) -> Finding:
    if refused.code == "PolicyNotFoundException":
        words = "is gone, and guards nobody; run `rebill onboard setup`"
        return critical("guard_gone", policy_id, words)
    words = f"could not be looked at: {refused.words}"
    return warning("guard_unseen", policy_id, words)


def _emptied(
    reseller: Reseller, file: str, policy_id: str, answer: Mapping[str, Any]
) -> Iterator[Finding]:
    there: Document = json.loads(answer["Policy"]["Content"])
    if not same_policy(there, guard_policies(reseller)[file]):
        words = "says something else than ours; see `rebill onboard setup --check`"
        yield critical("guard_changed", policy_id, words)
