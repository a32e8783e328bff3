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
from jobs.onboarding.checking import run_access_check
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
from tests.support.moments.live import onboarded
from tests.support.onboarding import (
    ADOPT,
    CREATE,
    INVITE,
    INVITED,
    Installation,
    Keys,
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
    "StateOrRegion": "Berlin",
    "PhoneNumber": "+49 30 1234567",
}
ROOT = "root@acme.example"
STANDALONE = WantedHandover(exit=HandoverKind.STANDALONE, client_email=ROOT, client_contact=CONTACT)
CLOSING = WantedHandover(exit=HandoverKind.CLOSE)
ENDING = WantedHandover(
    exit=HandoverKind.END_BILLING, ends_at=datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
)


def create(installation: Installation) -> bool:
    return onboard(installation, CREATE).state == "live"


def invite(installation: Installation) -> bool:
    return onboard(installation, INVITE).state == "live"


def adopt(installation: Installation) -> bool:
    """A member that somebody made by hand, years ago."""
    quietly(
        installation,
        lambda: installation.aws.add_member(INVITED, name="Globex", email="it@globex.example"),
    )
    return onboard(installation, ADOPT).state == "live"


def transfer_billing(installation: Installation) -> bool:
    return transfer_bill(installation).state == "live"


def transferred(installation: Installation) -> Onboarding:
    """A bill that is ours to pay: the payer's transfer has been in force for an hour."""
    return onboarded(installation, TRANSFER, by=transfer_bill)


def transfer_bill(installation: Installation, wanted: Wanted = TRANSFER) -> Onboarding:
    """The client's payer accepts what is open, and deploys our roles; then its month begins."""
    asked = asked_for_the_bill(installation, wanted)
    client = installation.aws.client("organizations", PAYING)
    for handshake_id in installation.aws.world.handshakes:
        quietly(installation, partial(client.accept_handshake, HandshakeId=handshake_id))
    quietly(installation, lambda: deploy(installation, asked.id, PAYING))
    installation.work(until=datetime(2026, 12, 1, 1, tzinfo=UTC))
    return installation.stored(asked.id)


def asked_for_the_bill(installation: Installation, wanted: Wanted = TRANSFER) -> Onboarding:
    installation.aws.add_standalone(PAYING, email="aws@initech.example", name="Initech")
    client = installation.aws.client("organizations", PAYING)
    quietly(installation, lambda: client.create_organization(FeatureSet="ALL"))
    asked = installation.ask(wanted)
    installation.work(until=installation.now() + timedelta(minutes=10))
    return installation.stored(asked.id)


def hand_over_standalone(installation: Installation) -> bool:
    """The payer has a StackSet, which has nothing in the account."""
    live = onboarded(installation, CREATE)
    installation.aws.stub(
        "cloudformation", "ListStackSets", lambda _: {"Summaries": [{"StackSetName": "guard"}]}
    )
    return live.state == "live" and left(installation, live, STANDALONE)


def hand_over_with_its_own_contact(installation: Installation) -> bool:
    """What an invited client had for a contact, it gets back."""
    desk = {
        "AlternateContactType": "OPERATIONS",
        "Name": "Ops",
        "Title": "Lead",
        "EmailAddress": "ops@globex.example",
        "PhoneNumber": "+353 1 999",
    }
    installation.aws.add_standalone(INVITED, email="it@globex.example", name="Globex")
    contacts = installation.aws.account(INVITED).alternate_contacts
    contacts["OPERATIONS"] = desk
    live = onboarded(installation, INVITE)
    gone = live.state == "live" and left(installation, live, STANDALONE)
    return gone and contacts == {"OPERATIONS": desk}


def hand_over_by_transfer(installation: Installation) -> bool:
    live = onboarded(installation, CREATE)
    return live.state == "live" and left(
        installation, live, replace(STANDALONE, exit=HandoverKind.TRANSFER)
    )


def close(installation: Installation) -> bool:
    live = onboarded(installation, CREATE)
    return live.state == "live" and left(installation, live, CLOSING)


def end_billing(installation: Installation) -> bool:
    live = transferred(installation)
    return live.state == "live" and left(installation, live, ENDING)


def left(installation: Installation, live: Onboarding, wanted: WantedHandover) -> bool:
    """Asked for by Ada, approved by Grace, and the client does its part."""
    ask_to_leave(installation, live, wanted)
    approve_all(installation, live, wanted)
    if wanted.exit is HandoverKind.END_BILLING:
        installation.work(until=installation.now() + timedelta(minutes=10))
        quietly(installation, lambda: remove_roles(installation, PAYING))
        installation.work(until=datetime(2027, 1, 1, 1, tzinfo=UTC))
    elif wanted.exit is HandoverKind.CLOSE:
        installation.work(until=installation.now() + timedelta(hours=2))
    else:
        client_does_its_part(installation, live)
        if wanted.exit is HandoverKind.TRANSFER:
            quietly(installation, lambda: another_organization_takes(installation, live.account_id))
            installation.work(until=installation.now() + timedelta(hours=3))
    return installation.stored(live.id).stage == "awaiting_final_invoice"


def ask_to_leave(installation: Installation, live: Onboarding, wanted: WantedHandover) -> None:
    """After the days for which AWS keeps a new account."""
    installation.aws.clock.advance(days=5)
    with installation.database.transaction() as session:
        request_handover(session, live.id, wanted, actor="ada", now=installation.now())


def approve_all(installation: Installation, live: Onboarding, wanted: WantedHandover) -> None:
    """In Rebill every dangerous step, in AWS the departure by its tag."""
    with installation.database.transaction() as session:
        for item in dangerous_items(wanted.exit):
            approve_step(session, live.id, item, actor="grace", now=installation.now())
        for item in ATTESTED:
            attest_item(
                session, live.id, item, "seen in T-4711", actor="grace", now=installation.now()
            )
    leaving = live.account_id
    if wanted.exit is HandoverKind.END_BILLING:
        leaving = next(iter(installation.aws.world.transfers))
    approved = "close-approved" if wanted.exit is HandoverKind.CLOSE else "handover-approved"
    tag = {"Key": "msp:offboarding", "Value": approved}
    with suppress(ClientError):  # Who may not approve has not approved: it goes no further.
        organizations = approver(installation)
        if leaving == live.account_id:
            organizations.describe_account(AccountId=leaving)
        organizations.list_tags_for_resource(ResourceId=leaving)
        organizations.tag_resource(ResourceId=leaving, Tags=[tag])


def approver(installation: Installation) -> Any:
    """Grace, with nothing but the approvers' policy."""
    role = "msp-approver"
    if role not in installation.clients:
        policy = service_policies(installation.reseller)["svc_approver"]
        made: list[Keys] = []
        quietly(installation, lambda: made.append(service_role(installation.aws, role, policy)))
        frozen = made[0].credentials
        installation.clients[role] = session_from(
            {
                "AccessKeyId": frozen.access_key,
                "SecretAccessKey": frozen.secret_key,
                "SessionToken": frozen.token,
            }
        ).client("organizations")
    return installation.clients[role]


def client_does_its_part(installation: Installation, live: Onboarding) -> None:
    """Completes what AWS asks of a standalone account, and reads its codes out."""
    owner = installation.aws.owner(live.account_id)
    owner.add_payment_instrument()
    owner.accept_agreement()
    client_reads_its_codes_out(installation, live)
    installation.work(until=installation.now() + timedelta(hours=2))


def client_reads_its_codes_out(installation: Installation, live: Onboarding) -> None:
    for _ in range(3):
        installation.work(until=installation.now() + timedelta(minutes=10))
        for item, address in (("root_email", ROOT), ("phone", CONTACT["PhoneNumber"])):
            if installation.aws.mail.to(address):
                code = installation.aws.mail.code_for(address)
                with installation.database.transaction() as session:
                    give_code(session, live.id, item, code, actor="ada", now=installation.now())


def another_organization_takes(installation: Installation, account_id: str) -> None:
    """The client's own payer invites the account, and its administrator accepts there."""
    world = installation.aws.world
    installation.aws.add_standalone(THEIR_PAYER, email="aws@acme.example", name="Acme")
    theirs = installation.aws.client("organizations", THEIR_PAYER)
    theirs.create_organization(FeatureSet="ALL")
    theirs.invite_account_to_organization(Target={"Id": account_id, "Type": "ACCOUNT"})
    (handshake,) = (h for h in world.handshakes.values() if not h.settled)
    member = installation.aws.client("organizations", account_id)
    if not guarded(installation, account_id):
        member.accept_handshake(HandshakeId=handshake.id)


def guarded(installation: Installation, account_id: str) -> bool:
    """Under our guard an account cannot accept another organization."""
    organization = installation.aws.account(account_id).organization
    assert organization is not None
    return installation.reseller.membership_scp_id in organization.attached[account_id]


def remove_roles(installation: Installation, account_id: str) -> None:
    """A client deletes the stack with our roles."""
    iam = installation.aws.client("iam", account_id)
    for role in iam.list_roles(PathPrefix="/msp/")["Roles"]:
        name = role["RoleName"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        iam.delete_role(RoleName=name)


def abort(installation: Installation) -> bool:
    """AWS lets nobody go who cannot pay; what the hand-over took away until then is put back."""
    live = onboarded(installation, CREATE)
    if live.state != "live":
        return False
    ask_to_leave(installation, live, STANDALONE)
    approve_all(installation, live, STANDALONE)
    client_reads_its_codes_out(installation, live)
    installation.work(until=installation.now() + timedelta(hours=2))
    taken = not guarded(installation, live.account_id)
    with installation.database.transaction() as session:
        abort_handover(session, live.id, actor="ada", now=installation.now())
    with suppress(ClientError):
        approver(installation).untag_resource(
            ResourceId=live.account_id, TagKeys=["msp:offboarding"]
        )
    installation.work()
    back = installation.stored(live.id).state == "live" and guarded(installation, live.account_id)
    tags = installation.aws.account(live.account_id).tags
    return taken and back and "msp:offboarding" not in tags


def cancel_invitation(installation: Installation) -> bool:
    installation.aws.add_standalone(INVITED, email="it@globex.example", name="Globex")
    asked = installation.ask(INVITE)
    installation.work(until=installation.now() + timedelta(minutes=10))
    return given_up(installation, asked)


def cancel_billing_transfer(installation: Installation) -> bool:
    return given_up(installation, asked_for_the_bill(installation))


def given_up(installation: Installation, asked: Onboarding) -> bool:
    with installation.database.transaction() as session:
        cancel_onboarding(session, asked.id, actor="ada", now=installation.now())
    installation.work(until=installation.now() + timedelta(days=1))
    settled = [handshake.settled for handshake in installation.aws.world.handshakes.values()]
    return installation.stored(asked.id).state == "cancelled" and settled == ["CANCELED"]


def watch_daily(installation: Installation) -> bool:
    """A live account as it was left, and a stranger whose tag says whose it is."""
    live = onboarded(installation, CREATE)
    tag = [{"Key": "msp:client", "Value": "globex"}]
    quietly(
        installation,
        lambda: installation.aws.create_account(name="side", email="side@msp.example", Tags=tag),
    )
    codes = [finding.code for finding in watch(installation.environment, PAYER)]
    return live.state == "live" and codes == ["account_appeared"]


def check_every_role(installation: Installation) -> bool:
    """In a member, and where only the bill is ours."""
    results: list[RoleCheck] = []
    for onboarding in (onboarded(installation, CREATE), transferred(installation)):
        if onboarding.state != "live":
            return False
        with installation.database.transaction() as session:
            asked = check_access(
                session, onboarding.account_id, actor="ada", now=installation.now()
            )
        results += run_access_check(installation.environment, asked.id).results
    return len(results) > 10 and all(result.is_as_expected for result in results)


WORKFLOWS: dict[str, Callable[[Installation], bool]] = {
    each.__name__: each
    for each in (
        create, invite, adopt, transfer_billing,
        cancel_invitation, cancel_billing_transfer,
        hand_over_standalone, hand_over_with_its_own_contact, hand_over_by_transfer,
        close, end_billing, abort, watch_daily, check_every_role,
    )
}  # fmt: skip
