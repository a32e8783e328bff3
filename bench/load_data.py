"""Owns what is asked for under load: an issued month of 200 clients, and 1,000 onboardings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from accounts.model.organization import OnboardingKind
from invoices.charges import KEYS, MEASURES, SCHEMA, Charges
from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from jobs.environment import Environment
from jobs.runs import engine
from service.actions.access.create_api_key import create_api_key
from service.actions.billing.apply_configuration import apply_configuration
from service.actions.billing.approve_drafts import approve_drafts
from service.actions.billing.record_snapshot import record_snapshot
from service.actions.billing.request_run import request_billing, request_issuing
from service.actions.onboarding.request_onboarding import Wanted
from service.actions.onboarding.request_onboardings import request_onboardings
from service.actions.onboarding.set_reseller import set_reseller
from service.configuration.onboarding_forms import OnboardingForm, resellers_of
from service.configuration.reading import read_configuration
from service.store.access.keys import Scope
from service.store.billing.snapshots import Snapshot
from service.store.database import Database

CLIENTS, ONBOARDINGS, OF_A_BATCH = 200, 1_000, 200
PAYER = AccountId("111111111111")
PERIOD = BillingPeriod(2026, 10)
NOW = datetime(2026, 11, 5, tzinfo=UTC)
WHO = "bench"


@dataclass(frozen=True, slots=True)
class Filled:
    key: str
    invoice_id: str
    onboarding_id: str


def fill(database: Database, home: Path) -> Filled:
    """Into an empty database."""
    environment = Environment.under(home, database, lambda: NOW)
    written = _configured()
    (reseller,) = resellers_of(OnboardingForm(**written["onboarding"]))
    snapshot = _snapshot(environment)
    with database.transaction() as session:
        plain = read_configuration(json.dumps(written))
        apply_configuration(session, plain, actor=WHO, now=NOW)
        set_reseller(session, reseller, actor=WHO, now=NOW)
        record_snapshot(session, snapshot, actor=WHO, now=NOW)
    _issue(environment)
    asked = [
        onboarding.id
        for start in range(0, ONBOARDINGS, OF_A_BATCH)
        for onboarding in _ask(database, start)
    ]
    with database.transaction() as session:
        key = create_api_key(session, WHO, scopes=[Scope.READ], actor=WHO, now=NOW)
    return Filled(key, "17", asked[17])


def _ask(database: Database, start: int) -> tuple[Any, ...]:
    wanted = [
        Wanted(
            kind=OnboardingKind.CREATE,
            client=f"c{number % CLIENTS:03}",
            name=f"a{number}",
            external_ref=f"T-{number}",
        )
        for number in range(start, start + OF_A_BATCH)
    ]
    with database.transaction() as session:
        return request_onboardings(session, wanted, actor=WHO, now=NOW).onboardings


def _issue(environment: Environment) -> None:
    database = environment.database
    with database.transaction() as session:
        run_id = request_billing(session, PAYER, PERIOD, actor=WHO, now=NOW)
    engine.follow(environment, run_id)
    with database.transaction() as session:
        approve_drafts(session, PERIOD, actor=WHO, now=NOW)
    with database.transaction() as session:
        run_id = request_issuing(
            session, PAYER, PERIOD, client=None, issued_on=NOW.date(),
            allow_unfinalized=False, actor=WHO, now=NOW,
        )  # fmt: skip
    engine.follow(environment, run_id)


def _snapshot(environment: Environment) -> Snapshot:
    """Ten services of each client's one account."""
    rows = [
        {
            **dict.fromkeys(KEYS, ""),
            **dict.fromkeys(MEASURES, Decimal(10 + number)),
            "payer_account_id": PAYER,
            "account_id": f"{500_000_000_000 + number}",
            "billing_period": str(PERIOD),
            "invoice_id": "1234",
            "service_day": date(2026, 10, 15),
            "billing_entity": "AWS",
            "currency": "USD",
            "kind": "usage",
            "service": f"AmazonService{service}",
            "trueup": Decimal(0),
            "upfront": Decimal(0),
        }
        for number in range(CLIENTS)
        for service in range(10)
    ]
    charges = Charges.of(pl.DataFrame(rows, schema=SCHEMA))
    return Snapshot(
        id=environment.snapshots.keep(charges),
        payer_account_id=PAYER,
        period=PERIOD,
        dialect="cur2",
        source_rows=len(rows),
        finalized=True,
        facts={"sums": {}},
        findings=(),
    )


def _configured() -> dict[str, Any]:
    """As a configuration file has it."""
    address = {"street": "1 Quay", "city": "Cork", "postcode": "T12", "country": "IE"}
    desk = {"name": "Desk", "title": "Duty", "email": "d@msp.example", "phone": "+353 1 234 5678"}
    clients = [
        {
            "key": f"c{number:03}", "name": f"Client {number}", "currency": "USD",
            "address": address, "price_book": "cost",
            "accounts": [{"id": f"{500_000_000_000 + number}", "from": "2018-01-01"}],
        }
        for number in range(CLIENTS)
    ]  # fmt: skip
    organization = {
        "payer": PAYER, "organization_id": "o-exampleorgid", "root_id": "r-abcd",
        "client_ou_id": "ou-abcd-clients0", "membership_scp_id": "p-member01",
        "root_scp_id": "p-rootuse1", "mailbox": "awsaccounts@msp.example",
        "automation_role": f"arn:aws:iam::{PAYER}:role/msp-onboard",
        "offboarding_role": f"arn:aws:iam::{PAYER}:role/msp-offboard",
        "access_account": "222222222222",
        "contacts": dict.fromkeys(("billing", "operations", "security"), desk),
    }  # fmt: skip
    return {
        "seller": {"name": "Example Cloud Ltd", "address": address, "tax_id": "IE6388047V"},
        "payers": [{"account_id": PAYER}],
        "clients": clients,
        "price_books": [{"key": "cost", "from": "2018-01", "cost_basis": "billed"}],
        "onboarding": {"organizations": [organization]},
    }
