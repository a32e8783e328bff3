"""Owns handshakes: invitations to join, and what either side may make of them."""

from __future__ import annotations

from datetime import timedelta

from sandbox.aws.core.calls import Answer, ApiCall, answers, page
from sandbox.aws.core.errors import (
    AwsError,
    Undescribed,
    constraint,
    denied,
    handshake_constraint,
    invalid,
)
from sandbox.aws.core.mailbox import Message
from sandbox.aws.core.world import AwsAccount, Handshake, Organization, World
from sandbox.aws.organizations.accounts import check_may_depart, depart, places_taken
from sandbox.aws.organizations.organization import join, managed, organization_of
from sandbox.aws.organizations.tags import read_tags
from sandbox.aws.organizations.transfers import accept_transfer, check_transfer


def state_of_handshake(world: World, handshake: Handshake) -> str:
    if handshake.settled:
        return handshake.settled
    return "EXPIRED" if world.now() >= handshake.expires_at else "OPEN"


def invited_account(world: World, handshake: Handshake) -> AwsAccount | None:
    """None while nobody has an account with the e-mail that was invited."""
    if handshake.party["Type"] == "EMAIL":
        return world.account_with_email(handshake.party["Id"])
    return world.accounts.get(handshake.party["Id"])


def described_handshake(world: World, handshake: Handshake) -> Answer:
    organization = handshake.organization
    kind = handshake.action.lower()
    where = f"handshake/{organization.id}/{kind}/{handshake.id}"
    return {
        "Id": handshake.id,
        "Arn": f"arn:aws:organizations::{organization.payer_id}:{where}",
        "Parties": [
            {"Id": organization.id.removeprefix("o-"), "Type": "ORGANIZATION"},
            dict(handshake.party),
        ],
        "State": state_of_handshake(world, handshake),
        "RequestedTimestamp": handshake.requested_at,
        "ExpirationTimestamp": handshake.expires_at,
        "Action": handshake.action,
        "Resources": _resources(world, handshake),
    }


def _resources(world: World, handshake: Handshake) -> list[Answer]:
    organization = handshake.organization
    payer = world.account(organization.payer_id)
    nested = [
        {"Type": "MASTER_EMAIL", "Value": payer.email},
        {"Type": "MASTER_NAME", "Value": payer.name},
        {"Type": "ORGANIZATION_FEATURE_SET", "Value": organization.feature_set},
    ]
    resources: list[Answer] = [
        {"Type": "ORGANIZATION", "Value": organization.id, "Resources": nested},
        {"Type": handshake.party["Type"], "Value": handshake.party["Id"]},
    ]
    if handshake.notes:
        resources.append({"Type": "NOTES", "Value": handshake.notes})
    if handshake.transfer_id:
        start = world.transfers[handshake.transfer_id].start_at
        resources.append({"Type": "RESPONSIBILITY_TRANSFER", "Value": handshake.transfer_id})
        resources.append({"Type": "TRANSFER_TYPE", "Value": "BILLING"})
        resources.append({"Type": "TRANSFER_START_TIMESTAMP", "Value": start.isoformat()})
    return resources


# Inviting. -----------------------------------------------------------------------------


@answers("organizations", "InviteAccountToOrganization")
def invite_account(call: ApiCall) -> Answer:
    organization, rules = managed(call), call.world.rules
    party = read_party(call)
    _check_may_invite(call, organization, party)
    if places_taken(call, organization) >= rules.accounts:
        raise handshake_constraint("ACCOUNT_NUMBER_LIMIT_EXCEEDED")
    handshake = open_handshake(call, organization, party, "INVITE")
    handshake.tags = read_tags(call.params.get("Tags", []))
    _tell(call, handshake)
    return {"Handshake": described_handshake(call.world, handshake)}


def _tell(call: ApiCall, handshake: Handshake) -> None:
    """The account's owner learns of an invitation by e-mail."""
    account = invited_account(call.world, handshake)
    to = account.email if account else handshake.party["Id"]
    payer = call.world.account(handshake.organization.payer_id)
    words = f"{payer.name} invites your AWS account to its organization: {handshake.notes}"
    call.world.mail.deliver(Message(to, "Your AWS account is invited", words, call.now))


def read_party(call: ApiCall) -> dict[str, str]:
    party = {"Id": call.params["Target"]["Id"], "Type": call.params["Target"]["Type"]}
    match party["Type"]:
        case "ACCOUNT" if len(party["Id"]) != 12 or not party["Id"].isdigit():
            raise invalid("INVALID_PATTERN_TARGET_ID")
        case "EMAIL" if "@" not in party["Id"]:
            raise invalid("INVALID_EMAIL_ADDRESS_TARGET")
        case "ORGANIZATION":
            raise invalid("INVALID_PARTY_TYPE_TARGET")
    return party


def _check_may_invite(call: ApiCall, organization: Organization, party: dict[str, str]) -> None:
    world = call.world
    if not world.account(organization.payer_id).email_verified:
        raise handshake_constraint("MANAGEMENT_ACCOUNT_EMAIL_NOT_VERIFIED")
    wanted = (
        world.account_with_email(party["Id"])
        if party["Type"] == "EMAIL"
        else world.accounts.get(party["Id"])
    )
    if wanted is None:
        return
    if wanted.organization is organization:
        raise handshake_constraint("ALREADY_IN_AN_ORGANIZATION")
    if not wanted.owner_verified:
        raise AwsError(
            "AccountOwnerNotVerifiedException",
            "You can't invite an existing account until its owner's e-mail is verified.",
        )
    if wanted.seller_of_record != world.account(organization.payer_id).seller_of_record:
        raise handshake_constraint("ORGANIZATION_FROM_DIFFERENT_SELLER_OF_RECORD")


def open_handshake(
    call: ApiCall, organization: Organization, party: dict[str, str], action: str
) -> Handshake:
    """A second one to the same party is refused while the first is open."""
    world, rules = call.world, call.world.rules
    for known in world.handshakes.values():
        same = known.organization is organization and known.action == action
        if same and _same_party(world, known, party) and state_of_handshake(world, known) == "OPEN":
            raise AwsError(
                "DuplicateHandshakeException", "A handshake with the same party is open."
            )
    today = [at for at in organization.invitations if at > call.now - timedelta(days=1)]
    if len(today) >= rules.handshakes_per_day:
        raise handshake_constraint("HANDSHAKE_RATE_LIMIT_EXCEEDED")
    organization.invitations = [*today, call.now]
    handshake = Handshake(
        world.new_id("h-", 10),
        action,
        organization,
        party,
        call.now,
        world.in_days(rules.handshake_days),
        notes=call.params.get("Notes", ""),
    )
    world.handshakes[handshake.id] = handshake
    return handshake


def _same_party(world: World, known: Handshake, party: dict[str, str]) -> bool:
    if known.party["Id"].lower() == party["Id"].lower():
        return True
    account = invited_account(world, known)
    return account is not None and party["Id"].lower() in (account.id, account.email.lower())


# Answering. ----------------------------------------------------------------------------


def _found(call: ApiCall) -> Handshake:
    handshake = call.world.handshakes.get(call.params["HandshakeId"])
    if handshake is None:
        raise AwsError("HandshakeNotFoundException", "We can't find that handshake.")
    return handshake


def _invited_by_caller(call: ApiCall, handshake: Handshake) -> bool:
    return handshake.organization.payer_id == call.account_id


def _is_for_caller(call: ApiCall, handshake: Handshake) -> bool:
    account = invited_account(call.world, handshake)
    return account is not None and account.id == call.account_id


def _check_open(call: ApiCall, handshake: Handshake, wanted: str) -> None:
    state = state_of_handshake(call.world, handshake)
    if state == wanted:
        raise AwsError("HandshakeAlreadyInStateException", f"The handshake is already {state}.")
    if state != "OPEN":
        raise AwsError(
            "InvalidHandshakeTransitionException", f"You can't change a handshake that is {state}."
        )


def _settle(call: ApiCall, handshake: Handshake, state: str) -> Answer:
    handshake.settled, handshake.settled_at = state, call.now
    return {"Handshake": described_handshake(call.world, handshake)}


@answers("organizations", "AcceptHandshake")
def accept(call: ApiCall) -> Answer:
    handshake = _found(call)
    if not _is_for_caller(call, handshake):
        raise denied()
    _check_open(call, handshake, "ACCEPTED")
    if handshake.action == "TRANSFER_RESPONSIBILITY":
        accept_transfer(call, handshake)
    else:
        _enter(call, handshake)
    return _settle(call, handshake, "ACCEPTED")


def _enter(call: ApiCall, handshake: Handshake) -> None:
    """Join; straight from another organization if need be, without standing alone between."""
    account = call.world.account(call.account_id)
    organization, former = handshake.organization, account.organization
    if former is organization:
        raise handshake_constraint("ALREADY_IN_AN_ORGANIZATION")
    if len(organization.members) >= call.world.rules.accounts:
        raise handshake_constraint("ACCOUNT_NUMBER_LIMIT_EXCEEDED")
    if account.closed_at is not None or account.suspended:
        raise constraint("ACCOUNT_CANNOT_LEAVE_ORGANIZATION")
    if former is None and not account.payment_instrument:
        raise handshake_constraint("PAYMENT_INSTRUMENT_REQUIRED")
    if former is not None:
        check_may_depart(call, former, account)
        depart(former, account)
    join(organization, account, at=call.now, method="INVITED")
    account.tags = dict(handshake.tags)


@answers("organizations", "DeclineHandshake")
def decline(call: ApiCall) -> Answer:
    handshake = _found(call)
    if not _is_for_caller(call, handshake):
        raise denied()
    _check_open(call, handshake, "DECLINED")
    return _settle(call, handshake, "DECLINED")


@answers("organizations", "CancelHandshake")
def cancel(call: ApiCall) -> Answer:
    handshake = _found(call)
    if not _invited_by_caller(call, handshake):
        raise denied()
    _check_open(call, handshake, "CANCELED")
    return _settle(call, handshake, "CANCELED")


# Showing. ------------------------------------------------------------------------------


@answers("organizations", "DescribeHandshake")
def describe_handshake(call: ApiCall) -> Answer:
    handshake = _found(call)
    if not _invited_by_caller(call, handshake) and not _is_for_caller(call, handshake):
        raise denied()
    return {"Handshake": described_handshake(call.world, handshake)}


@answers("organizations", "ListHandshakesForOrganization")
def list_for_organization(call: ApiCall) -> Answer:
    organization = managed(call)
    return _listed(call, [h for h in _remembered(call) if h.organization is organization])


@answers("organizations", "ListHandshakesForAccount")
def list_for_account(call: ApiCall) -> Answer:
    return _listed(call, [h for h in _remembered(call) if _is_for_caller(call, h)])


def _remembered(call: ApiCall) -> list[Handshake]:
    """Finished handshakes stay listed for thirty days."""
    oldest = call.now - timedelta(days=call.world.rules.handshake_memory_days)
    return [h for h in call.world.handshakes.values() if (h.settled_at or h.expires_at) > oldest]


def _listed(call: ApiCall, handshakes: list[Handshake]) -> Answer:
    wanted = call.params.get("Filter", {}).get("ActionType")
    found = [described_handshake(call.world, h) for h in handshakes if wanted in (None, h.action)]
    return page(call, "Handshakes", found)


# Billing transfer begins with a handshake too. -----------------------------------------


@answers("organizations", "InviteOrganizationToTransferResponsibility")
def invite_to_transfer(call: ApiCall) -> Answer:
    organization = managed(call)
    party = read_party(call)
    source = invited_account(call.world, Handshake("", "", organization, party, call.now, call.now))
    transfer = check_transfer(call, organization, source)
    handshake = open_handshake(call, organization, party, "TRANSFER_RESPONSIBILITY")
    handshake.expires_at = min(handshake.expires_at, transfer.start_at)
    handshake.transfer_id, transfer.handshake_id = transfer.id, handshake.id
    transfer.tags = read_tags(call.params.get("Tags", []))
    call.world.transfers[transfer.id] = transfer
    return {"Handshake": described_handshake(call.world, handshake)}


@answers("organizations", "EnableAllFeatures")
def enable_all_features(call: ApiCall) -> Answer:
    """Only its refusal is modelled: a payer of ours has all features from the start."""
    if organization_of(call).feature_set == "ALL":
        raise handshake_constraint("ORGANIZATION_ALREADY_HAS_ALL_FEATURES")
    raise Undescribed("the way from consolidated billing to all features is not modelled")
