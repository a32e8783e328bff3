"""The configuration file: read strictly, every mistake one line of path and rule."""

from __future__ import annotations

from decimal import Decimal

import pytest

from invoices.kinds import Kind
from invoices.periods import BillingPeriod
from invoices.pricing.book import FixedRate, Markup
from invoices.pricing.custom import Flat, Percentage, PercentOf
from service.configuration.reading import Configuration, ConfigurationRefused, read_configuration

EXAMPLE = """
seller:
  name: Example Cloud Ltd
  address: {street: "1 Quay", city: Cork, postcode: T12, country: IE}
  tax_id: IE6388047V
  numbering: {prefix: "INV-", start: 1}
  rounding: half_up
  payment_details: {IBAN: IE29 AIBK 9311 5212 3456 78, BIC: AIBKIE2D}
payers:
  - account_id: "836060457634"
    internal_accounts: ["111111111111"]
    exports: [{dialect: cur2, location: "s3://billing/exports/main"}]
clients:
  - key: acme
    name: Acme GmbH
    currency: EUR
    address: {street: "Ring 1", city: Berlin, postcode: "10115", country: DE}
    tax: {category: reverse_charge, vat_id: DE136695976}
    price_book: standard
    payment_terms_days: 30
    external_refs: {halopsa: "4711"}
    accounts:
      - {id: "011254002932", name: production, from: 2018-10-01}
price_books:
  - key: standard
    from: 2018-10
    cost_basis: amortized
    commitments: {default: pass_through}
    credits: retain
    discounts: {spp: retain, edp: {share_percent: 50}, bundled: pass_through}
    aws_tax: pass_through
    support: {mode: pass_through}
    rules:
      - {match: {service: AmazonEC2, region: eu-*}, markup_percent: "7.5"}
      - {match: {usage_type: "*DataTransfer-Out*"}, rate: "0.05"}
      - {match: {}, markup_percent: "5"}
custom_line_items:
  - {client: acme, kind: fee, description: Managed services, amount: "950.00", from: 2018-10}
  - {client: acme, kind: fee, description: Management fee, percent_of: price, percent: "3",
     minimum: "100.00"}
shared_costs: []
exchange_rates:
  - {period: 2018-10, from: USD, to: EUR, rate: "0.8706", source: "ECB 2018-10-31"}
"""


@pytest.fixture(scope="module")
def example() -> Configuration:
    return read_configuration(EXAMPLE)


def test_policies_become_percentages_passed(example: Configuration) -> None:
    (book,) = example.price_books

    assert book.start == BillingPeriod(2018, 10)
    assert book.credits_passed_percent == 0
    assert book.aws_tax_passed_percent == 100
    assert book.discounts_passed_percent == {
        Kind.DISCOUNT_SPP: 0,
        Kind.DISCOUNT_EDP: 50,
        Kind.DISCOUNT_BUNDLED: 100,
    }


def test_rules_keep_their_order_and_exact_figures(example: Configuration) -> None:
    (book,) = example.price_books

    assert [rule.effect for rule in book.rules] == [
        Markup(Decimal("7.5")),
        FixedRate(Decimal("0.05")),
        Markup(Decimal(5)),
    ]
    assert (book.rules[0].match.service, book.rules[0].match.region) == ("AmazonEC2", "eu-*")


def test_a_discount_is_a_markup_below_zero() -> None:
    (book,) = read_configuration(
        "price_books: [{key: a, from: 2018-10, cost_basis: list, "
        "rules: [{discount_percent: '12.5'}]}]"
    ).price_books

    assert book.rules[0].effect == Markup(Decimal("-12.5"))


def test_custom_line_items_are_flat_or_a_percentage(example: Configuration) -> None:
    flat, percentage = example.custom_line_items

    assert flat.charge == Flat(Decimal(950))
    assert percentage.charge == Percentage(Decimal(3), PercentOf.PRICE, Decimal(100))
    assert (flat.key, percentage.key) == (
        "acme:fee:Managed services",
        "acme:fee:Management fee",
    )


def test_sellers_payers_and_accounts_are_read(example: Configuration) -> None:
    ((seller, numbering),) = example.sellers
    (payer,) = example.payer_accounts

    assert seller.payment_details == (
        ("IBAN", "IE29 AIBK 9311 5212 3456 78"),
        ("BIC", "AIBKIE2D"),
    )
    assert (numbering.prefix, numbering.start) == ("INV-", 1)
    assert payer.internal_accounts == {"111111111111"}
    assert payer.exports == (("cur2", "s3://billing/exports/main"),)
    assert example.account_names == (("011254002932", "production"),)


def test_the_version_of_a_book_follows_its_content_not_its_spelling() -> None:
    (written,) = read_configuration(EXAMPLE).price_books
    (respelled,) = read_configuration(EXAMPLE.replace('"7.5"', '"7.50"')).price_books
    (later,) = read_configuration(EXAMPLE.replace("from: 2018-10\n", "from: 2018-11\n")).price_books
    (changed,) = read_configuration(EXAMPLE.replace('"7.5"', '"7.6"')).price_books

    assert written.version == respelled.version == later.version
    assert written.version != changed.version


def test_the_version_of_a_book_without_a_currency_is_what_it_was_before_books_had_one() -> None:
    in_euros = EXAMPLE.replace(
        "    cost_basis: amortized\n", "    cost_basis: amortized\n    currency: EUR\n"
    )
    (written,) = read_configuration(EXAMPLE).price_books
    (other,) = read_configuration(in_euros).price_books

    assert (written.version, written.currency) == ("2d920fad3895283a", "")
    assert other.currency == "EUR" and other.version != written.version


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("sellers: {}", "sellers: there is no such setting"),
        (
            "payers: [{account_id: 12345678901}]",
            'payers[0].account_id: an account id is twelve digits in quotes, like "011254002932"',
        ),
        (
            'payers: [{account_id: "1234"}]',
            'payers[0].account_id: an account id is twelve digits in quotes, like "011254002932"',
        ),
        (
            'exchange_rates: [{period: 2018-10, from: USD, to: EUR, rate: 0.87, source: "x"}]',
            'exchange_rates[0].rate: write a number in quotes, like "7.5"',
        ),
        (
            'exchange_rates: [{period: 2018-13, from: USD, to: EUR, rate: "1", source: "x"}]',
            (
                "exchange_rates[0].period: '2018-13' is no billing period; "
                "write it as YYYY-MM, like 2026-10"
            ),
        ),
        (
            (
                "price_books: [{key: a, from: 2018-10, cost_basis: billed, "
                "commitments: {default: pro_rata}}]"
            ),
            "price_books[0].commitments.default: a pool has a name: write pool",
        ),
        (
            (
                "price_books: [{key: a, from: 2018-10, cost_basis: billed, "
                "commitments: {default: mine}}]"
            ),
            (
                "price_books[0].commitments.default.policy: write one of capped_on_demand, "
                "owner_client, pass_through, pro_rata, retained"
            ),
        ),
        (
            (
                "price_books: [{key: a, from: 2018-10, cost_basis: billed, "
                "commitments: {arns: {s-1: retained}}}]"
            ),
            (
                "price_books[0].commitments.arns: write the ARN of a reservation or savings plan, "
                "arn:aws:…"
            ),
        ),
        (
            (
                "price_books: [{key: a, from: 2018-10, cost_basis: billed, commitments: "
                "{default: {upfront: {amount: '1200', from: 2018-10, months: 24}}}}]"
            ),
            (
                "price_books[0].commitments.default.upfront.spread: an upfront fee is spread over "
                "12 or 36 months, not 24"
            ),
        ),
        (
            (
                "price_books: [{key: a, from: 2018-10, cost_basis: list, "
                "commitments: {default: {upfront: at_once}}}]"
            ),
            (
                "price_books[0]: the cost basis list has upfront fees in what they cover: "
                "leave `upfront` out, or bill by a billed cost"
            ),
        ),
        (
            (
                "price_books: [{key: a, from: 2018-10, cost_basis: billed, "
                "commitments: {crossing: maybe}}]"
            ),
            "price_books[0].commitments.crossing: Input should be 'tell' or 'block'",
        ),
        (
            (
                "price_books: [{key: a, from: 2018-10, cost_basis: billed, "
                "support: {mode: recompute}}]"
            ),
            "price_books[0].support: mode: recompute and a plan go together",
        ),
        (
            "shared_costs: [{accounts: ['111111111111'], basis: {percent: {a: 50, b: '49.5'}}}]",
            "shared_costs[0].basis: the percentages add up to 99.5, not to 100",
        ),
        (
            (
                "price_books: [{key: a, from: 2018-10, cost_basis: billed, "
                "rules: [{markup_percent: '5', rate: '1'}]}]"
            ),
            "price_books[0].rules[0]: give one of markup_percent, discount_percent and rate",
        ),
        (
            "price_books: [{key: a, from: 2018-10, cost_basis: billed, credits: mine}]",
            (
                "price_books[0].credits: write retain, pass_through, owner, share or "
                "{share_percent: …}"
            ),
        ),
        (
            (
                "price_books: [{key: a, from: 2018-10, cost_basis: billed, "
                "discounts: {named: {DistributorDiscount: {share_percent: '101'}}}}]"
            ),
            (
                "price_books[0].discounts.named.share.share_percent: Input should be less than or "
                "equal to 100"
            ),
        ),
        (
            (
                "price_books: [{key: a, from: 2018-10, cost_basis: billed, commitments: "
                "{arns: {'arn:aws:ec2:x': {policy: pro_rata}}}}]"
            ),
            "price_books[0].commitments.arns[arn:aws:ec2:x]: a pool has a name: write pool",
        ),
        (
            (
                "price_books: [{key: a, from: 2018-10, cost_basis: billed, credits: owner, "
                "credit_owners: [{credit: X, client: a, from: soon}]}]"
            ),
            (
                "price_books[0].credit_owners[0].from: write a month or a day, like 2026-10 or "
                "2026-10-15"
            ),
        ),
        (
            "price_books: [{key: a, from: 2018-10, cost_basis: billed, credits: owner}]",
            "price_books[0]: `credits: owner` and credit_owners go together",
        ),
        (
            (
                "price_books: [{key: a, from: 2018-10, cost_basis: billed, credits: owner, "
                "credit_owners: [{credit: X, client: a, from: 2018-10}, "
                "{credit: X, client: b, from: 2018-12}]}]"
            ),
            (
                "price_books[0]: credit X has two owners on 2018-12-01: end the first before the "
                "second begins"
            ),
        ),
        (
            "custom_line_items: [{client: a, kind: fee, description: d}]",
            (
                "custom_line_items[0]: give one of amount, unit_price, percent, minimum_spend, "
                "maximum_spend and prepaid"
            ),
        ),
    ],
)
def test_a_mistake_is_one_line_of_path_and_rule(text: str, line: str) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        read_configuration(text)

    assert refused.value.problems == (line,)


def test_a_key_written_twice_is_a_mistake() -> None:
    with pytest.raises(ConfigurationRefused, match="'seller' is written twice"):
        read_configuration("seller: {}\nseller: {}\n")


def test_yaml_that_does_not_parse_is_one_line() -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        read_configuration("clients: [")

    assert "\n" not in str(refused.value)


def test_countries_that_yaml_takes_for_falsehood_are_caught() -> None:
    norway = EXAMPLE.replace("country: DE", "country: NO")

    with pytest.raises(ConfigurationRefused) as refused:
        read_configuration(norway)

    assert refused.value.problems == (
        "clients[0].address.country: write it in quotes, so that YAML leaves it as it is",
    )


def test_one_account_of_two_clients_on_one_day_is_a_mistake() -> None:
    client = EXAMPLE[EXAMPLE.index("  - key: acme") : EXAMPLE.index("price_books:")]
    doubled = EXAMPLE.replace(client, client + client.replace("key: acme", "key: globex"))

    with pytest.raises(ConfigurationRefused) as refused:
        read_configuration(doubled)

    assert refused.value.problems == (
        (
            "clients: account 011254002932 belongs to acme from 2018-10-01 and to globex from "
            "2018-10-01: end the first before the second begins"
        ),
    )
