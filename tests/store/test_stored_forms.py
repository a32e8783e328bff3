"""What an earlier version stored is read as it was meant, and written as it was.

`stored_forms.json` was written by an earlier version, and is never written again.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from accounts.model.decision import Refusal
from accounts.model.handover import Handover, HandoverKind
from accounts.model.lifecycle import Stage
from accounts.model.mailbox import MailboxCheck, MailServer, Tls
from accounts.model.organization import Contact, ContactType, OnboardingKind, Reseller
from accounts.model.record import Intent, Proof, Record, Trouble
from accounts.model.request import AccountRequest, Consent
from accounts.model.role_spec import RoleSpec, RoleStage, TrustKind
from kernel.findings import Finding, Severity, critical, warning
from service.store.billing.months import ClientFigures, MonthFigures, findings_of
from service.store.billing.snapshots import Snapshot
from service.store.plain import from_json, to_json
from tests.support.builders import inputs

FORMS = json.loads(Path(__file__).with_name("stored_forms.json").read_text("utf-8"))
ADDED_LATER: dict[str, dict[str, object]] = {
    "reseller": {"sso_start_url": "", "sso_region": ""},
    "request": {"ends": {}, "consented_by": ""},
    "handover": {"request": {**FORMS["handover"]["request"], "ends": {}, "consented_by": ""}},
}
"""Fields that came since, which are written at their defaults."""
AT = datetime(2026, 11, 23, 12, 0, 3, 250_000, tzinfo=UTC)
DESK = Contact(name="Désk", title="Duty", email="desk@msp.example", phone="+353 1")
SLOW_DOWN = Refusal(code="TooManyRequestsException", reason="R", message="Slow down")
RECORD = Record(
    stage=Stage.IN_OU,
    reserved=True,
    account_id="033333333333",
    intents=(
        Intent(step="create_account", number=1, at=AT, failure="INTERNAL_FAILURE"),
        Intent(step="create_account", number=2, at=AT, request_id="car-1"),
    ),
    forgiven=1,
    handshake_id="h-2",
    past_handshakes=frozenset({"h-1", "h-0", "rt-9"}),
    transfer_id="rt-1",
    assigned_on=date(2026, 11, 24),
    unassigned_on=date(2026, 12, 1),
    grants_revoked=True,
    troubles={
        "move_account": Trouble(
            refusal=SLOW_DOWN, attempts=2, at=AT, first_at=AT.replace(microsecond=0)
        )
    },
    proofs={"root_sign_in": Proof(at=AT, words="seen", by="ann")},
    prior_contacts={"BILLING": DESK, "SECURITY": None},
    done=frozenset({"put_budget", "lift_guard:p-1", "accept_phone", "delete_role:MspAdmin"}),
    findings={"untagged": warning("untagged", "033333333333", "no tag")},
)
AUDIT = RoleSpec(
    name="MspAudit",
    stage=RoleStage.RUN,
    purpose="Reads",
    trust=TrustKind.HUMAN_MFA,
    team="audit",
    custom={
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["s3:Get*"], "Resource": "*"}],
    },
    managed=("ReadOnlyAccess",),
    bounded=False,
    session_seconds=7_200,
    mfa_age_seconds=900,
)
REQUEST = AccountRequest(
    onboarding_id="onb-1",
    kind=OnboardingKind.BILLING_TRANSFER,
    client_key="acme",
    account_name="Acme",
    name_with_token="Acme (1)",
    email="a+1@msp.example",
    account_id="055555555555",
    external_id="msp-3f0c9a77b1e24d58",
    roles=(AUDIT,),
    budget_amount="1000.50",
    transfer_starts_at=datetime(2026, 12, 1, tzinfo=UTC),
    consents=frozenset({Consent.REPAIR_ROLES, Consent.DELETE_ROOT_CREDENTIALS}),
    teams={"MspAudit": ("audit", "oncall"), "MspAdmin": ()},
)
HANDOVER = Handover(
    request=replace(REQUEST, roles=(), teams={}),
    exit=HandoverKind.END_BILLING,
    asked_by="ann",
    approvals={"close": "bob"},
    client_email="c@acme.example",
    client_contact={"FullName": "A. Acme"},
    registered_roles=("arn:aws:iam::055555555555:role/msp/MspAudit",),
    ends_at=datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
    asked_at=AT,
    aborted=True,
    final_invoice_issued=True,
)
RESELLER = Reseller(
    payer_account_id="011111111111",
    organization_id="o-1",
    root_id="r-1",
    client_ou_id="ou-1",
    membership_scp_id="p-1",
    root_scp_id="p-2",
    mailbox="a@msp.example",
    automation_arn="arn:a",
    offboarding_arn="arn:o",
    access_account_id="022222222222",
    contacts={ContactType.SECURITY: DESK, ContactType.BILLING: DESK},
    bootstrap_role="Boot",
    partition="aws-cn",
    region="cn-north-1",
    probe_teams=frozenset({"oncall", "admins", "finance"}),
    mail=MailboxCheck(
        smtp=MailServer(host="smtp.msp.example", port=587, tls=Tls.STARTTLS),
        imap=MailServer(host="127.0.0.1", port=143, tls=Tls.NONE, user="u", password_file="/run/p"),
        sender="s@msp.example",
        folder="In",
        every_days=7,
        hours=2,
        mails_max=5,
    ),
)
VALUES = {"record": RECORD, "request": REQUEST, "handover": HANDOVER, "reseller": RESELLER}


@pytest.mark.parametrize("name", sorted(VALUES))
def test_the_stored_form_is_read_and_written_as_ever(name: str) -> None:
    value, form = VALUES[name], FORMS[name]

    assert from_json(type(value), form) == value
    assert json.dumps(to_json(value)) == json.dumps({**form, **ADDED_LATER.get(name, {})})


def test_the_forms_say_every_field_and_one_that_is_missing_has_its_default() -> None:
    unsaid = {
        (name, field)
        for name, value in VALUES.items()
        for field, said in FORMS[name].items()
        if said in ("", [], {}, None, False, 0)
    }

    assert unsaid == set()
    assert from_json(Record, {"stage": "in_ou"}) == Record(stage=Stage.IN_OU)


def test_a_request_stored_before_it_had_two_names_is_read() -> None:
    stored = {k: v for k, v in FORMS["request"].items() if k != "name_with_token"}

    assert from_json(AccountRequest, stored) == replace(REQUEST, name_with_token="")


def test_the_end_of_a_grant_is_read_as_it_was_written() -> None:
    ends = {"MspAudit": {"oncall": datetime(2026, 12, 1, 18, tzinfo=UTC)}}
    written = to_json(replace(REQUEST, ends=ends))

    assert written["ends"] == {"MspAudit": {"oncall": "2026-12-01T18:00:00Z"}}
    assert from_json(AccountRequest, written).ends == ends


def test_a_finding_stored_before_findings_named_a_client_is_read() -> None:
    stored = {"severity": "critical", "code": "root_mfa", "where": "account", "message": "no MFA"}

    assert from_json(Finding, stored).client == ""


def test_a_month_stored_before_it_had_several_currencies_is_read() -> None:
    stored = {"client": "acme", "cost": "1", "charges_price": "2", "custom_price": "3"}

    assert from_json(ClientFigures, stored).others == {}
    figures: dict[str, object] = {
        "inputs_id": "i",
        "currency": "USD",
        "payer_total": "1",
        "clients": [stored],
    }
    figures |= {"retained": {}, "unassigned": "0", "findings": []}
    assert from_json(MonthFigures, figures).others == ()


def test_a_bill_whose_currencies_an_earlier_version_added_up_asks_to_be_taken_in_again() -> None:
    """It blocked then, and blocks until it is; who bears dollars goes on after that."""
    mixed = critical("mixed_currency", "currency 'EUR'", "sums over both mean nothing")
    billed = inputs()
    stored = Snapshot("s", billed.payer_account_id, billed.period, "cur2", 3, True, {}, (mixed,))

    (told,) = findings_of(stored, billed)
    assert told.severity is Severity.CRITICAL
    assert told.message.endswith("Ingest it again: they are kept apart now.")
