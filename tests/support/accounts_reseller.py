"""An MSP's reseller, its requests and a hand-over, as tests of the accounts core use them."""

from dataclasses import replace
from datetime import UTC, datetime

from accounts.iam.role_catalogue import CATALOGUE, MSP_BILLING, as_deployed
from accounts.model.handover import Handover, HandoverKind
from accounts.model.organization import Contact, ContactType, OnboardingKind, Reseller
from accounts.model.request import AccountRequest, Consent

PAYER = "111111111111"
ACCESS = "222222222222"
MEMBER = "333333333333"
EXTERNAL_ID = "msp-3f0c9a77b1e24d58"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DESK = Contact(name="MSP Desk", title="Duty", email="desk@msp.example", phone="+353 1 234 5678")

RESELLER = Reseller(
    payer_account_id=PAYER,
    organization_id="o-exampleorgid",
    root_id="r-abcd",
    client_ou_id="ou-abcd-clients0",
    membership_scp_id="p-member01",
    root_scp_id="p-rootuse1",
    mailbox="awsaccounts@msp.example",
    automation_arn=f"arn:aws:iam::{PAYER}:role/msp-onboard",
    offboarding_arn=f"arn:aws:iam::{PAYER}:role/msp-offboard",
    access_account_id=ACCESS,
    contacts=dict.fromkeys(ContactType, DESK),
    probe_teams=frozenset({"admins", "engineers", "oncall", "finance"}),
)
CREATE = AccountRequest(
    onboarding_id="onb-7f3a",
    kind=OnboardingKind.CREATE,
    client_key="acme",
    account_name="prod",
    name_with_token="Acme prod (7f3a)",
    email="awsaccounts+acme-7f3a@msp.example",
    external_id=EXTERNAL_ID,
    roles=CATALOGUE,
    budget_amount="1000",
)
INVITE = AccountRequest(
    onboarding_id="onb-9b1c",
    kind=OnboardingKind.INVITE,
    client_key="globex",
    account_name="Globex (9b1c)",
    email="",
    account_id="444444444444",
    external_id=EXTERNAL_ID,
    roles=CATALOGUE,
)
ADOPT = replace(
    INVITE,
    kind=OnboardingKind.ADOPT,
    consents=frozenset({Consent.ADOPTION}),
    consented_by="Jane Roe",
)
TRANSFER = AccountRequest(
    onboarding_id="onb-c0de",
    kind=OnboardingKind.BILLING_TRANSFER,
    client_key="initech",
    account_name="Initech (c0de)",
    email="",
    account_id="555555555555",
    external_id=EXTERNAL_ID,
    roles=as_deployed([MSP_BILLING]),
    transfer_starts_at=datetime(2026, 12, 1, tzinfo=UTC),
)

CLIENT_CONTACT = {
    "FullName": "A. Acme", "AddressLine1": "1 Main", "City": "Cork", "PostalCode": "T12",
    "CountryCode": "IE", "PhoneNumber": "+353 21 000",
}  # fmt: skip
DANGEROUS = {
    "root_guard", "root_email", "roles", "membership_guard", "remove", "close", "end_transfer",
}  # fmt: skip
ROLE_ARNS = tuple(
    f"arn:aws:iam::{MEMBER}:role/msp/{name}"
    for name in ("MspAdmin", "MspAutomation", "MspBilling", "MspEngineer", "MspOnCall")
)
ASKED = Handover(
    request=CREATE,
    exit=HandoverKind.STANDALONE,
    asked_by="ann",
    approvals=dict.fromkeys(DANGEROUS, "bob"),
    client_email="cloud@acme.example",
    client_contact=CLIENT_CONTACT,
    registered_roles=ROLE_ARNS,
)
