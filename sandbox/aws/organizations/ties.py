"""Owns what ties an account to others, where moto knows nothing of it: none, but by a stub.

`aws.stub(...)` comes before these, and is held against botocore's model like them.
"""

from __future__ import annotations

from sandbox.aws.core.calls import Answer, ApiCall, answers


@answers("cloudformation", "ListStackSets", "ListStackInstances")
def list_stack_sets(_: ApiCall) -> Answer:
    """moto's have no AutoDeployment."""
    return {"Summaries": []}


@answers("ram", "GetResourceShares")
def list_shares(call: ApiCall) -> Answer | None:
    """Those of the caller's own are moto's."""
    return None if call.params["resourceOwner"] == "SELF" else {"resourceShares": []}


@answers("ec2", "DescribeReservedInstances")
def list_reservations(_: ApiCall) -> Answer:
    return {"ReservedInstances": []}


@answers("savingsplans", "DescribeSavingsPlans")
def list_savings_plans(_: ApiCall) -> Answer:
    return {"savingsPlans": []}
