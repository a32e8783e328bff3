"""Each workflow of member accounts from end to end: whoever runs one is told whether it ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from accounts.iam.policy_documents import service_policies
from accounts.model.handover import HandoverKind
from accounts.model.organization import OnboardingKind
from jobs.onboarding.checking import check
from jobs.onboarding.watching import watch
from sandbox.aws import PAYER, session_from
from service.actions.access.check_access import check_access
from service.actions.handover.abort_handover import abort_handover
from service.actions.handover.approve_step import approve_step, dangerous_items
from service.actions.handover.attest_item import ATTESTED, attest_item
from service.actions.handover.give_code import give_code
from service.actions.handover.request_handover import WantedHandover, request_handover
from service.actions.onboarding.cancel_onboarding import cancel_onboarding
from service.actions.onboarding.request_onboarding import Wanted
from service.store.accounts.access_checks import RoleCheck
from service.store.accounts.onboardings import Onboarding
from tests.support.onboarding import (
    CREATE,
    INVITE,
    INVITED,
    Keys,
    Office,
    deploy,
    onboard,
    quietly,
    service_role,
)

PAYING = "555555555555"
TRANSFER = Wanted(
    kind=OnboardingKind.BILLING_TRANSFER,
    client="initech",
    account_id=PAYING,
    roles=("MspBilling",),
    transfer_starts_at=datetime(2026, 12, 1, tzinfo=UTC),
)
THEIR_PAYER = "666666666666"
CONTACT = {
    "FullName": "Acme GmbH",
    "AddressLine1": "Hauptstr. 1",
    "City": "Berlin",
    "PostalCode": "10115",
    "CountryCode": "DE",
    "PhoneNumber": "+49 30 1234567",
}
ROOT = "root@acme.example"
STANDALONE = WantedHandover(exit=HandoverKind.STANDALONE, client_email=ROOT, client_contact=CONTACT)
CLOSING = WantedHandover(exit=HandoverKind.CLOSE)
ENDING = WantedHandover(
    exit=HandoverKind.END_BILLING, ends_at=datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
)


def create(office: Office) -> bool:
    return onboard(office, CREATE).state == "live"


def create_and_be_renamed(office: Office) -> bool:
    """Somebody gives the account another name before we have looked at it."""
    office.aws.world.rules = replace(office.aws.world.rules, activation_seconds=60)
    asked = office.ask(CREATE)
    seen = set(office.aws.world.accounts)

    def rename_once() -> None:
        for account_id in office.aws.world.accounts.keys() - seen:
            office.aws.account(account_id).name = "Rosebud"
            seen.add(account_id)

    office.work(client=rename_once)
    live = office.stored(asked.id)
    return live.state == "live" and office.aws.account(live.account_id).name != "Rosebud"


def invite(office: Office) -> bool:
    return onboard(office, INVITE).state == "live"


def transfer_billing(office: Office) -> bool:
    return transferred(office).state == "live"


def transferred(office: Office) -> Onboarding:
    """The client's payer accepts what is open, and deploys our roles; then its month begins."""
    asked = asked_for_the_bill(office)
    client = office.aws.client("organizations", PAYING)
    for handshake_id in office.aws.world.handshakes:
        quietly(office, partial(client.accept_handshake, HandshakeId=handshake_id))
    quietly(office, lambda: deploy(office, asked.id, PAYING))
    office.work(until=datetime(2026, 12, 1, 1, tzinfo=UTC))
    return office.stored(asked.id)


def asked_for_the_bill(office: Office) -> Onboarding:
    office.aws.add_standalone(PAYING, email="aws@initech.example", name="Initech")
    client = office.aws.client("organizations", PAYING)
    quietly(office, lambda: client.create_organization(FeatureSet="ALL"))
    asked = office.ask(TRANSFER)
    office.work(until=office.now() + timedelta(minutes=10))
    return office.stored(asked.id)


def hand_over_standalone(office: Office) -> bool:
    """The payer has a StackSet, which has nothing in the account."""
    office.aws.stub(
        "cloudformation", "ListStackSets", lambda _: {"Summaries": [{"StackSetName": "guard"}]}
    )
    live = onboard(office, CREATE)
    return live.state == "live" and left(office, live, STANDALONE)


def hand_over_with_its_own_contact(office: Office) -> bool:
    """What an invited client had for a contact, it gets back."""
    desk = {
        "AlternateContactType": "OPERATIONS",
        "Name": "Ops",
        "Title": "Lead",
        "EmailAddress": "ops@globex.example",
        "PhoneNumber": "+353 1 999",
    }
    office.aws.add_standalone(INVITED, email="it@globex.example", name="Globex")
    contacts = office.aws.account(INVITED).alternate_contacts
    contacts["OPERATIONS"] = desk
    live = onboard(office, INVITE)
    gone = live.state == "live" and left(office, live, STANDALONE)
    return gone and contacts == {"OPERATIONS": desk}


def hand_over_by_transfer(office: Office) -> bool:
    live = onboard(office, CREATE)
    return live.state == "live" and left(
        office, live, replace(STANDALONE, exit=HandoverKind.TRANSFER)
    )


def close(office: Office) -> bool:
    live = onboard(office, CREATE)
    return live.state == "live" and left(office, live, CLOSING)


def end_billing(office: Office) -> bool:
    live = transferred(office)
    return live.state == "live" and left(office, live, ENDING)


def left(office: Office, live: Onboarding, wanted: WantedHandover) -> bool:
    """Asked for by Ada, approved by Grace, and the client does its part."""
    ask_to_leave(office, live, wanted)
    approve_all(office, live, wanted)
    if wanted.exit is HandoverKind.END_BILLING:
        office.work(until=office.now() + timedelta(minutes=10))
        quietly(office, lambda: remove_roles(office, PAYING))
        office.work(until=datetime(2027, 1, 1, 1, tzinfo=UTC))
    elif wanted.exit is HandoverKind.CLOSE:
        office.work(until=office.now() + timedelta(hours=2))
    else:
        client_does_its_part(office, live)
        if wanted.exit is HandoverKind.TRANSFER:
            quietly(office, lambda: another_organization_takes(office, live.account_id))
            office.work(until=office.now() + timedelta(hours=3))
    return office.stored(live.id).stage == "awaiting_final_invoice"


def ask_to_leave(office: Office, live: Onboarding, wanted: WantedHandover) -> None:
    """After the days for which AWS keeps a new account."""
    office.aws.clock.advance(days=5)
    with office.database.transaction() as session:
        request_handover(session, live.id, wanted, actor="ada", now=office.now())


def approve_all(office: Office, live: Onboarding, wanted: WantedHandover) -> None:
    """In Rebill every dangerous step, in AWS the departure by its tag."""
    with office.database.transaction() as session:
        for item in dangerous_items(wanted.exit):
            approve_step(session, live.id, item, actor="grace", now=office.now())
        for item in ATTESTED:
            attest_item(session, live.id, item, "seen in T-4711", actor="grace", now=office.now())
    if wanted.exit is HandoverKind.END_BILLING:
        return
    approved = "close-approved" if wanted.exit is HandoverKind.CLOSE else "handover-approved"
    tag = {"Key": "msp:offboarding", "Value": approved}
    with suppress(ClientError):  # Who may not approve has not approved: it goes no further.
        organizations = approver(office)
        organizations.describe_account(AccountId=live.account_id)
        organizations.list_tags_for_resource(ResourceId=live.account_id)
        organizations.tag_resource(ResourceId=live.account_id, Tags=[tag])


def approver(office: Office) -> Any:
    """Grace, with nothing but the approvers' policy."""
    role = "msp-approver"
    if role not in office.clients:
        policy = service_policies(office.reseller)["svc_approver"]
        made: list[Keys] = []
        quietly(office, lambda: made.append(service_role(office.aws, role, policy)))
        frozen = made[0].credentials
        office.clients[role] = session_from(
            {
                "AccessKeyId": frozen.access_key,
                "SecretAccessKey": frozen.secret_key,
                "SessionToken": frozen.token,
            }
        ).client("organizations")
    return office.clients[role]


def client_does_its_part(office: Office, live: Onboarding) -> None:
    """Completes what AWS asks of a standalone account, and reads its codes out."""
    owner = office.aws.owner(live.account_id)
    owner.add_payment_instrument()
    owner.accept_agreement()
    client_reads_its_codes_out(office, live)
    office.work(until=office.now() + timedelta(hours=2))


def client_reads_its_codes_out(office: Office, live: Onboarding) -> None:
    for _ in range(3):
        office.work(until=office.now() + timedelta(minutes=10))
        for item, address in (("root_email", ROOT), ("phone", CONTACT["PhoneNumber"])):
            if office.aws.mail.to(address):
                code = office.aws.mail.code_for(address)
                with office.database.transaction() as session:
                    give_code(session, live.id, item, code, actor="ada", now=office.now())


def another_organization_takes(office: Office, account_id: str) -> None:
    """The client's own payer invites the account, and its administrator accepts there."""
    world = office.aws.world
    office.aws.add_standalone(THEIR_PAYER, email="aws@acme.example", name="Acme")
    theirs = office.aws.client("organizations", THEIR_PAYER)
    theirs.create_organization(FeatureSet="ALL")
    theirs.invite_account_to_organization(Target={"Id": account_id, "Type": "ACCOUNT"})
    (handshake,) = (h for h in world.handshakes.values() if not h.settled)
    member = office.aws.client("organizations", account_id)
    if not guarded(office, account_id):
        member.accept_handshake(HandshakeId=handshake.id)


def guarded(office: Office, account_id: str) -> bool:
    """Under our guard an account cannot accept another organization."""
    organization = office.aws.account(account_id).organization
    assert organization is not None
    return office.reseller.membership_scp_id in organization.attached[account_id]


def remove_roles(office: Office, account_id: str) -> None:
    """A client deletes the stack with our roles."""
    iam = office.aws.client("iam", account_id)
    for role in iam.list_roles(PathPrefix="/msp/")["Roles"]:
        name = role["RoleName"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        iam.delete_role(RoleName=name)


def abort(office: Office) -> bool:
    """AWS lets nobody go who cannot pay; what the hand-over took away until then is put back."""
    live = onboard(office, CREATE)
    if live.state != "live":
        return False
    ask_to_leave(office, live, STANDALONE)
    approve_all(office, live, STANDALONE)
    client_reads_its_codes_out(office, live)
    office.work(until=office.now() + timedelta(hours=2))
    taken = not guarded(office, live.account_id)
    with office.database.transaction() as session:
        abort_handover(session, live.id, actor="ada", now=office.now())
    with suppress(ClientError):
        approver(office).untag_resource(ResourceId=live.account_id, TagKeys=["msp:offboarding"])
    office.work()
    back = office.stored(live.id).state == "live" and guarded(office, live.account_id)
    tags = office.aws.account(live.account_id).tags
    return taken and back and "msp:offboarding" not in tags


def cancel_invitation(office: Office) -> bool:
    office.aws.add_standalone(INVITED, email="it@globex.example", name="Globex")
    asked = office.ask(INVITE)
    office.work(until=office.now() + timedelta(minutes=10))
    return given_up(office, asked)


def cancel_billing_transfer(office: Office) -> bool:
    return given_up(office, asked_for_the_bill(office))


def given_up(office: Office, asked: Onboarding) -> bool:
    with office.database.transaction() as session:
        cancel_onboarding(session, asked.id, actor="ada", now=office.now())
    office.work(until=office.now() + timedelta(days=1))
    settled = [handshake.settled for handshake in office.aws.world.handshakes.values()]
    return office.stored(asked.id).state == "cancelled" and settled == ["CANCELED"]


def watch_daily(office: Office) -> bool:
    """A live account as it was left, and a stranger whose tag says whose it is."""
    live = onboard(office, CREATE)
    tag = [{"Key": "msp:client", "Value": "globex"}]
    quietly(
        office,
        lambda: office.aws.create_account(name="side", email="side@msp.example", Tags=tag),
    )
    codes = [finding.code for finding in watch(office.environment, PAYER)]
    return live.state == "live" and codes == ["account_appeared"]


def check_every_role(office: Office) -> bool:
    """In a member, and where only the bill is ours."""
    results: list[RoleCheck] = []
    for onboarding in (onboard(office, CREATE), transferred(office)):
        if onboarding.state != "live":
            return False
        with office.database.transaction() as session:
            asked = check_access(session, onboarding.account_id, actor="ada", now=office.now())
        results += check(office.environment, asked.id).results
    return len(results) > 10 and all(result.is_as_expected for result in results)


WORKFLOWS: dict[str, Callable[[Office], bool]] = {
    each.__name__: each
    for each in (
        create, create_and_be_renamed, invite, transfer_billing,
        cancel_invitation, cancel_billing_transfer,
        hand_over_standalone, hand_over_with_its_own_contact, hand_over_by_transfer,
        close, end_billing, abort, watch_daily, check_every_role,
    )
}  # fmt: skip
