"""An MSP's reseller and one request, as the tests of the accounts core use them."""

from datetime import UTC, datetime

from accounts.iam.role_catalogue import CATALOGUE
from accounts.model.organization import Contact, ContactType, OnboardingKind, Reseller
from accounts.model.request import AccountRequest

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
