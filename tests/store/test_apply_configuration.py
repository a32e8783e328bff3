"""Applying the configuration file: what changes is told, and twice is once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pytest

from invoices.clients import AccountId
from invoices.periods import BillingPeriod
from service.actions.billing.apply_configuration import apply_configuration
from service.configuration.reading import ConfigurationRefused, read_configuration
from service.store.billing import clients, prices, sellers
from service.store.billing.items import versions
from service.store.database import Database
from tests.store.test_configuration import EXAMPLE
from tests.support.builders import PAYER


def _apply(database: Database, text: str, now: datetime) -> list[str]:
    with database.transaction() as session:
        changes = apply_configuration(session, read_configuration(text), actor="test", now=now)
    return [str(change) for change in changes]


def test_all_is_added_once(database: Database, now: datetime) -> None:
    assert _apply(database, EXAMPLE, now) == [
        "seller seller: added",
        "payer account 836060457634: added",
        "price book standard from 2018-10: added",
        "client acme: added",
        "account 011254002932: added",
        "account 011254002932 at acme from 2018-10-01: added",
        "custom line item acme:fee:Managed services: added",
        "custom line item acme:fee:Management fee: added",
        "exchange rate USD to EUR of 2018-10: added",
    ]
    assert _apply(database, EXAMPLE, now) == []
    assert _apply(database, EXAMPLE.replace('"950.00"', '"950"'), now) == []


def test_what_was_read_is_what_was_written(database: Database, now: datetime) -> None:
    _apply(database, EXAMPLE, now)
    written = read_configuration(EXAMPLE)
    october = BillingPeriod(2018, 10)

    with database.transaction() as session:
        assert clients.clients(session) == written.clients
        assert clients.roster(session).assignments == written.assignments
        assert prices.price_books(session, october) == {"standard": written.price_books[0]}
        items = versions.custom_line_items(session, PAYER, october)
        assert set(items) == {
            replace(item, payer_account_id=PAYER) for item in written.custom_line_items
        }, "of the only payer"
        assert prices.exchange_rates(session, october) == written.exchange_rates
        assert sellers.payer_accounts(session) == written.payer_accounts
        assert sellers.seller(session, "seller") == written.sellers[0]


SECOND_PAYER = """
payers: [{account_id: "111111111111"}]
custom_line_items:
  - {client: acme, PAYERkind: fee, description: Second desk, amount: "10"}
"""


def test_with_several_payers_an_item_says_whose_invoice_it_goes_on(
    database: Database, now: datetime
) -> None:
    _apply(database, EXAMPLE, now)
    with pytest.raises(ConfigurationRefused, match="there are several payers; say with `payer`"):
        _apply(database, SECOND_PAYER.replace("PAYER", ""), now)

    _apply(database, SECOND_PAYER.replace("PAYER", "payer: '111111111111', "), now)

    with database.transaction() as session:
        first = versions.custom_line_items(session, PAYER, BillingPeriod(2026, 10))
        second = versions.custom_line_items(
            session, AccountId("111111111111"), BillingPeriod(2026, 10)
        )
    assert "Second desk" not in {item.description for item in first}
    assert "Second desk" in {item.description for item in second}


def test_changes_name_what_changed(database: Database, now: datetime) -> None:
    _apply(database, EXAMPLE, now)
    text = EXAMPLE.replace("Acme GmbH", "Acme AG").replace('"950.00"', '"960.00"')

    assert _apply(database, text, now) == [
        "client acme: changed name",
        "custom line item acme:fee:Managed services: changed flat_amount",
    ]


def test_a_price_book_changed_from_a_period_leaves_earlier_periods_alone(
    database: Database, now: datetime
) -> None:
    _apply(database, EXAMPLE, now)
    later = EXAMPLE.replace("from: 2018-10\n", "from: 2018-12\n").replace('"7.5"', '"9"')
    assert _apply(database, later, now) == ["price book standard from 2018-12: added"]

    with database.transaction() as session:
        markups = {
            str(period): str(prices.price_books(session, period)["standard"].rules[0].effect)
            for period in (BillingPeriod(2018, 11), BillingPeriod(2018, 12))
        }
        before_any = prices.price_books(session, BillingPeriod(2018, 9))

    assert markups == {
        "2018-11": "Markup(percent=Decimal('7.5'))",
        "2018-12": "Markup(percent=Decimal('9'))",
    }
    assert before_any == {}


def test_going_back_to_earlier_rules_brings_their_version_back(
    database: Database, now: datetime
) -> None:
    _apply(database, EXAMPLE, now)
    changed = EXAMPLE.replace('"7.5"', '"9"')

    assert _apply(database, changed, now) == ["price book standard from 2018-10: changed version"]
    assert _apply(database, EXAMPLE, now) == ["price book standard from 2018-10: changed version"]


def test_what_a_file_leaves_out_stays(database: Database, now: datetime) -> None:
    _apply(database, EXAMPLE, now)

    assert _apply(database, "clients: []", now) == []
    with database.transaction() as session:
        assert [client.key for client in clients.clients(session)] == ["acme"]


def test_an_account_taken_by_another_client_is_refused_whole(
    database: Database, now: datetime
) -> None:
    _apply(database, EXAMPLE, now)
    globex = """
    clients:
      - {key: globex, name: Globex, currency: USD, price_book: standard,
         address: {street: a, city: b, postcode: c, country: US},
         accounts: [{id: "011254002932", from: 2018-11-01}]}
    """
    with pytest.raises(ConfigurationRefused, match="end the first before the second begins"):
        _apply(database, globex, now)

    with database.transaction() as session:
        assert [client.key for client in clients.clients(session)] == ["acme"]


def test_an_account_of_our_own_is_no_clients_unless_it_was_once(
    database: Database, now: datetime
) -> None:
    """836060457634 is the payer; 111111111111 is among its internal accounts."""
    ours = EXAMPLE.replace('"011254002932"', '"111111111111"')
    with pytest.raises(ConfigurationRefused) as refused:
        _apply(database, ours, now)
    assert str(refused.value).splitlines()[-1].strip().lstrip("- ") == (
        "clients.acme.accounts: 111111111111 is our own account (an access account, or among "
        "internal_accounts); take it off one of the two, or say until when it was the client's"
    )
    with database.transaction() as session:
        assert clients.clients(session) == ()

    until = ours.replace("from: 2018-10-01", "from: 2018-10-01, to: 2018-11-01")
    assert until != ours
    assert "account 111111111111 at acme from 2018-10-01" in " ".join(_apply(database, until, now))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            (
                "clients: [{key: a, name: A, currency: USD, price_book: gold, "
                "address: {street: a, city: b, postcode: c, country: US}}]"
            ),
            "clients.a.price_book: there is no price book gold",
        ),
        (
            "custom_line_items: [{client: zed, kind: fee, description: d, amount: '1'}]",
            "custom_line_items: 'd' is for an unknown client zed",
        ),
        (
            (
                "price_books: [{key: b, from: 2018-10, cost_basis: billed, commitments: "
                "{arns: {'arn:aws:ec2:x': {owner: zed}}}}]"
            ),
            "price_books.b.commitments: there is no client zed to own one",
        ),
        (
            (
                "price_books: [{key: b, from: 2018-10, cost_basis: billed, credits: owner, "
                "credit_owners: [{credit: X, client: zed, from: 2018-10}]}]"
            ),
            "price_books.b.credit_owners: there is no client zed",
        ),
        (
            'payers: [{account_id: "836060457634"}]',
            "payers: 836060457634 has no seller; describe it under `seller`",
        ),
    ],
)
def test_a_name_of_nothing_is_refused(
    database: Database, now: datetime, text: str, line: str
) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        _apply(database, text, now)

    assert refused.value.problems == (line,)


def test_many_who_apply_at_once_add_everything_once(database: Database, now: datetime) -> None:
    with ThreadPoolExecutor(8) as operators:
        told = list(operators.map(lambda _: _apply(database, EXAMPLE, now), range(8)))

    assert sorted(len(changes) for changes in told) == [0, 0, 0, 0, 0, 0, 0, 9]


def test_every_change_is_in_the_audit_log(database: Database, now: datetime) -> None:
    _apply(database, EXAMPLE, now)
    _apply(database, EXAMPLE.replace("Acme GmbH", "Acme AG"), now)

    with database.transaction() as session:
        entries = session.connection().exec_driver_sql(
            "SELECT actor, before->>'name', after->>'name' FROM audit_entry "
            "WHERE subject = 'client acme' ORDER BY id"
        )
        assert [tuple(entry) for entry in entries] == [
            ("test", None, "Acme GmbH"),
            ("test", "Acme GmbH", "Acme AG"),
        ]
