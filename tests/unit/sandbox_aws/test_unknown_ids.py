"""Ids that there are not, and values that there are not, are refused as Organizations refuses them.

API reference of AWS Organizations: the errors of each operation, and `InvalidInputException`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sandbox.aws import StrictAWS

NOBODY, UNIT, POLICY = "444444444444", "ou-abcd-12345678", "p-12345678"
SCP = "SERVICE_CONTROL_POLICY"
REFUSED: dict[tuple[str, str], tuple[dict[str, Any], str, str | None]] = {
    ("list_policies", "filter"): (
        {"Filter": "NO_SUCH"}, "InvalidInputException", "INVALID_ENUM_POLICY_TYPE"),
    ("list_policies_for_target", "filter"): (
        {"TargetId": NOBODY, "Filter": "NO_SUCH"}, "InvalidInputException",
        "INVALID_ENUM_POLICY_TYPE"),
    ("list_policies_for_target", "pattern"): (
        {"TargetId": "prod", "Filter": SCP}, "InvalidInputException", "INVALID_PATTERN_TARGET_ID"),
    ("list_policies_for_target", "account"): (
        {"TargetId": NOBODY, "Filter": SCP}, "TargetNotFoundException", None),
    ("list_policies_for_target", "unit"): (
        {"TargetId": UNIT, "Filter": SCP}, "TargetNotFoundException", None),
    ("describe_policy", "unknown"): ({"PolicyId": POLICY}, "PolicyNotFoundException", None),
    ("describe_policy", "pattern"): (
        {"PolicyId": "guard"}, "InvalidInputException", "INVALID_PATTERN"),
    ("list_targets_for_policy", "unknown"): (
        {"PolicyId": POLICY}, "PolicyNotFoundException", None),
    ("attach_policy", "unknown"): (
        {"PolicyId": POLICY, "TargetId": NOBODY}, "PolicyNotFoundException", None),
    ("create_policy", "type"): (
        {"Name": "x", "Description": "", "Type": "NO_SUCH", "Content": "{}"},
        "InvalidInputException", "INVALID_ENUM_POLICY_TYPE"),
    ("describe_organizational_unit", "unknown"): (
        {"OrganizationalUnitId": UNIT}, "OrganizationalUnitNotFoundException", None),
    ("list_accounts_for_parent", "unknown"): ({"ParentId": UNIT}, "ParentNotFoundException", None),
    ("list_parents", "unknown"): ({"ChildId": NOBODY}, "ChildNotFoundException", None),
    ("describe_account", "unknown"): ({"AccountId": NOBODY}, "AccountNotFoundException", None),
    ("list_tags_for_resource", "unknown"): (
        {"ResourceId": POLICY}, "TargetNotFoundException", None),
    ("list_inbound_responsibility_transfers", "unknown"): (
        {"Type": "BILLING", "Id": "rt-12345678"}, "ResponsibilityTransferNotFoundException", None),
}  # fmt: skip


@pytest.fixture(scope="module")
def aws() -> Iterator[StrictAWS]:
    with StrictAWS() as aws:
        aws.set_up_organization()
        yield aws


@pytest.mark.parametrize("case", REFUSED, ids="-".join)
def test_it_is_refused_by_the_documented_error(aws: StrictAWS, case: tuple[str, str]) -> None:
    arguments, code, reason = REFUSED[case]

    with pytest.raises(ClientError) as refused:
        getattr(aws.client("organizations"), case[0])(**arguments)

    response: Any = refused.value.response
    assert (response["Error"]["Code"], response.get("Reason")) == (code, reason)
