"""Owns billing transfers: whose bill goes to whom, from one month boundary to another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.aws.core.calls import Answer, ApiCall, answers, page
from sandbox.aws.core.errors import AwsError, constraint, denied, handshake_constraint, invalid
from sandbox.aws.core.world import AwsAccount, Handshake, Organization, Transfer, World
from sandbox.aws.organizations.organization import managed

MONTHS_AHEAD_MAX = 12


def check_transfer(call: ApiCall, target: Organization, source: AwsAccount | None) -> Transfer:
    """Only the receiving side invites, only a payer can be asked, and it starts with a month."""
    start_at = _instant(call.params["StartTimestamp"])
    if start_at.day != 1:
        raise invalid("START_DATE_NOT_BEGINNING_OF_MONTH")
    if start_at != start_at.replace(hour=0, minute=0, second=0, microsecond=0):
        raise invalid("START_DATE_NOT_BEGINNING_OF_DAY")
    if start_at <= call.now:
        raise invalid("START_DATE_TOO_EARLY")
    if start_at > call.now + timedelta(days=31 * MONTHS_AHEAD_MAX):
        raise invalid("START_DATE_TOO_LATE")
    if source is None or source.organization is None or source.organization.payer_id != source.id:
        raise handshake_constraint("TARGET_ACCOUNT_VALIDATION_FAILURE")
    if source.organization is target:
        raise handshake_constraint("SOURCE_AND_TARGET_CANNOT_MATCH")
    if any(_is_live(call.world, t) for t in _outbound(call.world, source.id)):
        raise handshake_constraint("RESPONSIBILITY_TRANSFER_ALREADY_EXISTS")
    identity = call.world.new_id("rt-", 10)
    return Transfer(identity, call.params["SourceName"], source.id, target, "", start_at)


def accept_transfer(call: ApiCall, handshake: Handshake) -> None:
    source = call.world.account(call.account_id)
    if source.transfer_obstacle in {"UNSUPPORTED_PRICING", "UNMET_BILLING_PREREQUISITE"}:
        raise constraint(source.transfer_obstacle)
    if source.transfer_obstacle:
        raise handshake_constraint(source.transfer_obstacle)
    assert handshake.transfer_id in call.world.transfers


def _instant(value: Any) -> datetime:
    read = value if isinstance(value, datetime) else datetime.fromtimestamp(float(value), tz=UTC)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def status_of(world: World, transfer: Transfer) -> str:
    handshake = world.handshakes[transfer.handshake_id]
    if transfer.withdrawn:
        return "WITHDRAWN"
    if handshake.settled:
        return handshake.settled
    return "EXPIRED" if world.now() >= handshake.expires_at else "REQUESTED"


def _is_live(world: World, transfer: Transfer) -> bool:
    over = transfer.end_at is not None and transfer.end_at <= world.now()
    return status_of(world, transfer) in {"REQUESTED", "ACCEPTED"} and not over


def _outbound(world: World, source_id: str) -> list[Transfer]:
    return [t for t in world.transfers.values() if t.source_id == source_id]


def _described(call: ApiCall, transfer: Transfer) -> Answer:
    world, inbound = call.world, transfer.target.payer_id == call.account_id
    source, target = world.account(transfer.source_id), world.account(transfer.target.payer_id)
    here = transfer.target if inbound else source.organization
    assert here is not None, "a source of a transfer pays for an organization"
    direction = "inbound" if inbound else "outbound"
    where = f"transfer/{here.id}/billing/{direction}/{transfer.id}"
    answer: Answer = {
        "Arn": f"arn:aws:organizations::{here.payer_id}:{where}",
        "Name": transfer.name,
        "Id": transfer.id,
        "Type": "BILLING",
        "Status": status_of(world, transfer),
        "Source": {"ManagementAccountId": source.id, "ManagementAccountEmail": source.email},
        "Target": {"ManagementAccountId": target.id, "ManagementAccountEmail": target.email},
        "StartTimestamp": transfer.start_at,
    }
    if transfer.end_at:
        answer["EndTimestamp"] = transfer.end_at
    if answer["Status"] == "REQUESTED":
        answer["ActiveHandshakeId"] = transfer.handshake_id
    return answer


def _found(call: ApiCall) -> Transfer:
    organization = managed(call)
    transfer = call.world.transfers.get(call.params["Id"])
    if transfer is None or organization.payer_id not in (
        transfer.source_id,
        transfer.target.payer_id,
    ):
        raise AwsError("ResponsibilityTransferNotFoundException", "We can't find that transfer.")
    return transfer


@answers("organizations", "DescribeResponsibilityTransfer")
def describe_transfer(call: ApiCall) -> Answer:
    return {"ResponsibilityTransfer": _described(call, _found(call))}


@answers("organizations", "ListInboundResponsibilityTransfers")
def list_inbound(call: ApiCall) -> Answer:
    organization, wanted = managed(call), call.params.get("Id")
    found = [t for t in call.world.transfers.values() if t.target is organization]
    if wanted is not None and wanted not in {each.id for each in found}:
        raise AwsError("ResponsibilityTransferNotFoundException", "We can't find that transfer.")
    return _listed(call, found)


@answers("organizations", "ListOutboundResponsibilityTransfers")
def list_outbound(call: ApiCall) -> Answer:
    return _listed(call, _outbound(call.world, managed(call).payer_id))


def _listed(call: ApiCall, transfers: list[Transfer]) -> Answer:
    wanted = call.params.get("Id")
    found = [_described(call, t) for t in transfers if wanted in (None, t.id)]
    return page(call, "ResponsibilityTransfers", found)


@answers("organizations", "UpdateResponsibilityTransfer")
def rename_transfer(call: ApiCall) -> Answer:
    transfer = _found(call)
    if transfer.target.payer_id != call.account_id:
        raise denied()
    transfer.name = call.params["Name"]
    return {"ResponsibilityTransfer": _described(call, transfer)}


@answers("organizations", "TerminateResponsibilityTransfer")
def terminate_transfer(call: ApiCall) -> Answer:
    """Either side, for good, at the end of a month: this one, if no other is named."""
    transfer = _found(call)
    if transfer.withdrawn:
        raise AwsError(
            "ResponsibilityTransferAlreadyInStatusException", "The transfer is already withdrawn."
        )
    if status_of(call.world, transfer) != "ACCEPTED":
        raise AwsError(
            "InvalidResponsibilityTransferTransitionException", "Only an accepted transfer can end."
        )
    this_month = _month_end(call.now)
    given = call.params.get("EndTimestamp")
    end_at = _instant(given) if given else this_month
    if end_at != _month_end(end_at):
        raise invalid("END_DATE_NOT_END_OF_MONTH")
    if end_at < max(this_month, transfer.start_at):
        raise invalid("END_DATE_TOO_EARLY")
    transfer.withdrawn, transfer.end_at = True, end_at
    return {"ResponsibilityTransfer": _described(call, transfer)}


def _month_end(day: datetime) -> datetime:
    """The last second of the month."""
    first = day.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1) - timedelta(seconds=1)
