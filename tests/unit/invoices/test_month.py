"""The month as a whole: who is billed, under which ids, and that input alone decides."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from invoices.clients import AccountId, ClientKey, Tax, TaxCategory
from invoices.documents.document import content_id
from invoices.inputs import ExchangeRate
from invoices.kinds import CostBasis, Kind
from invoices.money import Rounding
from invoices.month import bill, inputs_id
from invoices.pricing.custom import CustomKind, CustomLineItem, Flat, Percentage, PercentOf
from tests.support.builders import (
    OCTOBER,
    PAYER,
    book,
    charge,
    charges,
    client,
    fixed,
    inputs,
    markup,
    owns,
)

ACME, BELL = "111111111111", "222222222222"
BOTH = (owns("acme", ACME), owns("bell", BELL))
FEE = CustomLineItem("i", ClientKey("bell"), CustomKind.FEE, "Fee", Flat(Decimal(950)), OCTOBER)


def test_a_client_without_charges_and_custom_items_gets_no_draft() -> None:
    month = bill(charges(charge(ACME, "1")), inputs(*BOTH))

    assert [draft.client for draft in month.drafts] == ["acme"]
    assert [statement.client for statement in month.statements] == ["acme"]


def test_a_client_of_whose_charges_all_are_retained_gets_no_draft() -> None:
    month = bill(charges(charge(BELL, "-5", Kind.CREDIT)), inputs(*BOTH))

    assert month.drafts == ()
    assert month.retained == {"credits": Decimal(-5)}


def test_a_custom_item_alone_makes_a_draft() -> None:
    month = bill(charges(charge(ACME, "1")), inputs(*BOTH, custom=[FEE]))

    assert [draft.client for draft in month.drafts] == ["acme", "bell"]
    assert month.drafts[1].invoice.total_minor == 950_00
    assert month.drafts[1].statement.cost == 0


def test_a_custom_item_of_another_month_makes_none() -> None:
    later = replace(FEE, start=OCTOBER.next)

    month = bill(charges(charge(ACME, "1")), inputs(*BOTH, custom=[later]))

    assert [draft.client for draft in month.drafts] == ["acme"]


def test_a_month_without_anything_has_no_drafts() -> None:
    month = bill(charges(), inputs())

    assert (month.drafts, month.findings, month.payer_total) == ((), (), Decimal(0))


def test_equal_inputs_have_an_equal_id_and_any_change_another() -> None:
    given = inputs(*BOTH, books=[book(markup("5")), book(key="other")])
    ids = {
        inputs_id(changed)
        for changed in (
            given,
            inputs(*BOTH, books=[book(key="other"), book(markup("5.0"))]),
            replace(given, snapshot_id="snapshot-2"),
            inputs(*BOTH, books=[book(markup("6")), book(key="other")]),
            inputs(BOTH[0], books=[book(markup("5")), book(key="other")]),
        )
    }

    assert len(ids) == 4


EVERYTHING = replace(
    inputs(
        owns("acme", "111111111111", date(2018, 1, 1), date(2018, 10, 16)),
        owns("bell", "111111111111", date(2018, 10, 16)),
        clients=[
            client(
                "bell",
                currency="EUR",
                tax=Tax(TaxCategory.STANDARD, Decimal("19.0"), "DE1", "§"),
                external_refs=(("halopsa", "4711"),),
            ),
            client("acme", name="Ácme"),
        ],
        books=[
            book(
                markup("7.50", "Seven", service="AmazonEC2"),
                fixed("0.000000000001"),
                cost_basis=CostBasis.NET_AMORTIZED,
                credits_passed_percent=Decimal("1E+2"),
                discounts_passed_percent={
                    Kind.DISCOUNT_EDP: Decimal("50.0"),
                    Kind.DISCOUNT_BUNDLED: Decimal("-0"),
                },
            ),
            book(key="other"),
        ],
        internal=["999999999999", "000000000001"],
        custom=[
            CustomLineItem(
                "a", ClientKey("acme"), CustomKind.FEE, "Fee", Flat(Decimal("950.00")), OCTOBER
            ),
            CustomLineItem(
                "b",
                ClientKey("bell"),
                CustomKind.CREDIT,
                "Kredit",
                Percentage(Decimal("3"), PercentOf.PRICE, Decimal("100.0")),
                OCTOBER,
                OCTOBER.next,
                PAYER,
            ),
        ],
        rates=[ExchangeRate(OCTOBER, "USD", "EUR", Decimal("0.87060"), "ECB")],
        rounding=Rounding.HALF_EVEN,
    ),
    account_names={AccountId("111111111111"): "Production", AccountId("000000000001"): "Own"},
)


def test_the_ids_of_inputs_are_those_of_earlier_versions() -> None:
    """Both were taken before the spelling had one place; another id forgets every stored month."""
    assert inputs_id(EVERYTHING) == (
        "63faed1fc5e4d11bbcaf0097e50d5fed76cdc2524ea16fdce89bbc20c2c4145c"
    )
    assert inputs_id(inputs(owns("acme", ACME))) == (
        "d409dc181c91a932c3196b8636ca1777aba96b0b3e2c524c79fb1976254b424d"
    )


def test_what_has_no_canonical_spelling_is_a_defect() -> None:
    with pytest.raises(AssertionError, match="object has no canonical spelling"):
        content_id({"amount": object()})


def test_a_draft_id_covers_the_document_and_its_working() -> None:
    def draft_id(percent: str, label: str, cost: str = "100") -> str:
        given = inputs(BOTH[0], books=[book(markup(percent, label))])
        return bill(charges(charge(ACME, cost)), given).drafts[0].draft_id

    assert draft_id("10", "Ten") == draft_id("10", "Ten")
    assert draft_id("10", "Ten") != draft_id("10", "Tenth")
    assert draft_id("10", "Ten") != draft_id("10", "Ten", "100.0000000001")


def test_a_draft_does_not_depend_on_other_clients() -> None:
    alone = bill(charges(charge(ACME, "1")), inputs(BOTH[0]))
    among = bill(charges(charge(BELL, "9"), charge(ACME, "1")), inputs(*BOTH))

    assert alone.drafts[0] == among.drafts[0]


def test_a_mid_month_move_makes_two_invoices_of_one_account() -> None:
    rows = [
        charge(ACME, "10", service_day=date(2018, 10, 14)),
        charge(ACME, "20", service_day=date(2018, 10, 15)),
    ]
    moved = [
        owns("acme", ACME, date(2018, 1, 1), date(2018, 10, 15)),
        owns("bell", ACME, date(2018, 10, 15)),
    ]

    month = bill(charges(*rows), inputs(*moved, clients=[client("acme"), client("bell")]))

    assert [(d.client, d.invoice.total_minor) for d in month.drafts] == [
        ("acme", 10_00),
        ("bell", 20_00),
    ]


def test_on_list_basis_a_day_without_a_public_price_is_sold_at_its_cost() -> None:
    """Days are summed before pricing, but not a listed one with one that is not: 1 + 2 = 3."""
    listed = charge(ACME, "0", list_cost="1", service_day=date(2018, 10, 1))
    unlisted = charge(ACME, "2", list_cost="0", service_day=date(2018, 10, 2))
    known = inputs(owns("acme", ACME), books=[book(cost_basis=CostBasis.LIST)])

    (only,) = bill(charges(listed, unlisted), known).drafts

    assert only.statement.price == Decimal(3)
