"""Owns the demo's configuration: pretend clients with prices, taxes and currencies."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

SELLER = {
    "name": "Example Cloud Ltd",
    "address": {"street": "1 Quay", "city": "Cork", "postcode": "T12 AB34", "country": "IE"},
    "tax_id": "IE6388047V",
    "email": "billing@cloud.example",
    "phone": "+353 21 555 0100",
    "website": "https://cloud.example",
    "registration": "Registered in Ireland, company number 555010",
    "payment_details": {
        "Bank": "Bank of Example",
        "IBAN": "IE29 AIBK 9311 5212 3456 78",
        "BIC": "AIBKIE2D",
    },
    "footer": "Made by the Rebill demo: not a real invoice.",
    "numbering": {"prefix": "DEMO-", "start": 1},
}

PRICE_BOOKS: list[dict[str, Any]] = [
    {
        "key": "standard",
        "cost_basis": "amortized",
        "discounts": {"edp": {"share_percent": "50"}},
        "rules": [
            {"match": {"service": "AmazonEC2", "region": "eu-*"}, "markup_percent": "7.5"},
            {"match": {"billing_entity": "AWS Marketplace"}, "markup_percent": "0"},
            {"match": {}, "markup_percent": "5"},
        ],
    },
    {
        "key": "passthrough",
        "cost_basis": "billed",
        "credits": "pass_through",
        "aws_tax": "pass_through",
        "rules": [],
    },
    {
        "key": "list",
        "cost_basis": "list",
        "rules": [
            {"match": {"service": "AmazonS3", "usage_type": "*TimedStorage*"}, "rate": "0.03"},
            {"match": {}, "markup_percent": "2"},
        ],
    },
]

RATES = {"EUR": "0.8706", "GBP": "0.7544", "JPY": "151.37", "PLN": "3.6912"}
"""Of one US dollar: invented, and the same in both months."""

CURRENCIES = {
    **dict.fromkeys(("DE", "GR", "IE", "NL"), "EUR"),
    "GB": "GBP",
    "JP": "JPY",
    "PL": "PLN",
}

TAXES: dict[str, dict[str, str]] = {
    "IE": {"category": "standard", "rate_percent": "23", "vat_id": "IE3206488LH"},
    "DE": {"category": "reverse_charge", "vat_id": "DE136695976"},
    "GR": {"category": "reverse_charge", "vat_id": "EL094259216"},
    "NL": {"category": "reverse_charge", "vat_id": "NL004495445B01"},
    "DK": {"category": "reverse_charge", "vat_id": "DK13585628"},
    "PL": {"category": "reverse_charge", "vat_id": "PL8567346215"},
}


def demo_configuration(
    invented: str,
    *,
    onboarding: Mapping[str, Any],
    internal_accounts: Sequence[str],
    periods: tuple[str, ...],
) -> str:
    """The simulation's own configuration, where every client is at cost, made worth looking at.

    Its clients have no accounts: those are onboarded.
    """
    content: dict[str, Any] = yaml.safe_load(invented)
    first = periods[0]
    content["seller"] = SELLER
    content["price_books"] = [{**book, "from": first} for book in PRICE_BOOKS]
    for position, client in enumerate(content["clients"]):
        _dress(client, position)
        del client["accounts"]
    for payer in content["payers"]:
        payer["internal_accounts"] += internal_accounts
    content["onboarding"] = dict(onboarding)
    keys = [client["key"] for client in content["clients"]]
    content["custom_line_items"] = _custom_line_items(keys, first)
    content["exchange_rates"] = [
        {"period": period, "from": "USD", "to": currency, "rate": rate, "source": "demo"}
        for period in periods
        for currency, rate in RATES.items()
    ]
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


def _dress(client: dict[str, Any], position: int) -> None:
    country = client["address"]["country"]
    client["currency"] = CURRENCIES.get(country, "USD")
    client["tax"] = TAXES.get(country, {"category": "outside_scope"})
    client["price_book"] = PRICE_BOOKS[(0, 0, 1, 0, 2)[position % 5]]["key"]
    client["payment_terms_days"] = (30, 14, 30, 60)[position % 4]


def _custom_line_items(keys: list[str], first: str) -> list[dict[str, Any]]:
    flat = [
        {
            "client": key,
            "kind": "fee",
            "description": "Managed services",
            "amount": "950.00",
            "from": first,
        }
        for key in keys[::3]
    ]
    percentage = [
        {
            "client": key,
            "kind": "fee",
            "description": "Management fee",
            "percent_of": "price",
            "percent": "3",
            "minimum": "100.00",
            "from": first,
        }
        for key in keys[1::3]
    ]
    return [*flat, *percentage]
