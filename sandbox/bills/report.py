"""Owns what a simulation tells about itself: the truth, the roster, a configuration for Rebill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import yaml

from sandbox.bills.amounts import plain
from sandbox.bills.bill import Bill, BillStage
from sandbox.bills.lines import LineKind
from sandbox.bills.organization import SimulatedAssignment, SimulatedOrganization
from sandbox.bills.truth import TOTALS, Fact


def truth_report(bill: Bill) -> dict[str, Any]:
    """Exact decimal strings: the payer's, by kind, by account and kind, by client, by invoice.

    `rows` counts lines that readers keep; `split_rows` are those they must leave out. By client,
    fees of commitments of an account that changes hands are shared by days, all else is the first
    day's owner's; discounts that are a percentage of other lines, too.
    """
    facts = list(bill.truth.facts())
    of_clients = _of_clients(facts, bill.organization)
    invoices = "" if bill.stage == BillStage.OPEN else None
    return {
        "payer_account_id": bill.organization.payer.id,
        "currency": "USD",
        "stage": bill.stage,
        "discounts": bill.discounts,
        "payer_total": _totals(facts)["net_billed"],
        "split_rows": bill.truth.split_rows,
        "sums": _totals(facts),
        "by_kind": _grouped(facts, lambda fact: fact.place.kind),
        "by_account": _grouped(facts, lambda fact: fact.place.account_id),
        "by_account_kind": {
            account: _grouped(mine, lambda fact: fact.place.kind)
            for account, mine in _groups(facts, lambda fact: fact.place.account_id).items()
        },
        "by_client": {client: _totals(mine) for client, mine in of_clients.items()},
        "by_client_kind": {
            client: _grouped(mine, lambda fact: fact.place.kind)
            for client, mine in of_clients.items()
        },
        "by_invoice": {
            invoice: _totals(mine)["net_billed"]
            for invoice, mine in _groups(
                facts, lambda fact: fact.place.invoice_id if invoices is None else invoices
            ).items()
        },
    }


_EVEN = frozenset({LineKind.RI_FEE, LineKind.SP_FEE, LineKind.DISCOUNT_RI_VOLUME})
"""Owed alike for each hour of their month, by whoever has the account in it."""


def _of_clients(
    facts: Iterable[Fact], organization: SimulatedOrganization
) -> dict[str, list[Fact]]:
    client_of, owners = clients_on(organization), organization.clients_by_account()
    parts: dict[str, list[Fact]] = {}
    for fact in facts:
        days = _days_held(fact, owners.get(fact.place.account_id, ()))
        is_shared = fact.place.kind in _EVEN and len(days) > 1
        shares = _shares(fact, days) if is_shared else {client_of(fact): fact}
        for client, part in shares.items():
            parts.setdefault(client, []).append(part)
    return dict(sorted(parts.items()))


def _days_held(fact: Fact, owners: Iterable[SimulatedAssignment]) -> dict[str, int]:
    every = [fact.day + timedelta(days=n) for n in range((fact.last_day - fact.day).days + 1)]
    held = [next((each.client for each in owners if day in each), None) for day in every]
    return dict(Counter(client for client in held if client is not None))


def _shares(fact: Fact, days: Mapping[str, int]) -> dict[str, Fact]:
    """By days; what a division leaves over is the last one's. A line counts once, at the first."""
    whole = sum(days.values())
    *others, last = days
    shares = {
        client: {name: amount * days[client] // whole for name, amount in fact.totals.items()}
        for client in others
    }
    shares[last] = {
        name: amount - sum(share[name] for share in shares.values())
        for name, amount in fact.totals.items()
    }
    for client, share in shares.items():
        share["rows"] = fact.totals["rows"] if client == next(iter(days)) else 0
    return {client: replace(fact, totals=share) for client, share in shares.items()}


def clients_on(organization: SimulatedOrganization) -> Callable[[Fact], str]:
    """Whose a fact is, by its own day; the payer's own are `internal`."""
    spans = organization.clients_by_account()
    payer = organization.payer.id

    def client_of(fact: Fact) -> str:
        if fact.place.account_id == payer:
            return "internal"
        return next(a.client for a in spans[fact.place.account_id] if fact.day in a)

    return client_of


def roster_report(organization: SimulatedOrganization) -> dict[str, Any]:
    return {
        "payer": {"id": organization.payer.id, "name": organization.payer.name},
        "internal_accounts": [organization.payer.id],
        "accounts": [
            {
                "id": account.id,
                "name": account.name,
                "email": account.email,
                "joined_on": account.joined_on.isoformat(),
                "left_on": account.left_on.isoformat() if account.left_on else None,
                "fate": account.fate,
            }
            for account in organization.accounts
        ],
        "clients": [
            {"key": client.key, "name": client.name, "accounts": _spans(organization, client.key)}
            for client in organization.clients
        ],
    }


def configuration(
    organization: SimulatedOrganization, first_period: str, exports: Mapping[str, str]
) -> str:
    """A Rebill configuration of the organization: every client at cost.

    `exports` are locations and their dialects.
    """
    payer = organization.payer.id
    content = {
        "seller": {
            "name": "Example Cloud Ltd",
            "address": {"street": "1 Quay", "city": "Cork", "postcode": "T12", "country": "IE"},
            "tax_id": "IE6388047V",
            "numbering": {"prefix": "INV-", "start": 1},
        },
        "payers": [
            {
                "account_id": payer,
                "internal_accounts": [payer],
                "exports": [{"dialect": d, "location": where} for where, d in exports.items()],
            }
        ],
        "clients": [
            {
                "key": client.key,
                "name": client.name,
                "currency": "USD",
                "address": {
                    "street": "1 Main Street",
                    "city": client.city,
                    "postcode": "1000",
                    "country": client.country,
                },
                "price_book": "standard",
                "accounts": _spans(organization, client.key),
            }
            for client in organization.clients
        ],
        "price_books": [
            {"key": "standard", "from": first_period, "cost_basis": "amortized", "rules": []}
        ],
    }
    return yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False)


class _Dumper(yaml.SafeDumper):
    """Quotes account ids, so that no reader takes one with a leading zero for a number."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if text.isdigit() else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _quoted)


def _spans(organization: SimulatedOrganization, client: str) -> list[dict[str, str]]:
    names = {account.id: account.name for account in organization.accounts}
    mine = [assignment for assignment in organization.roster if assignment.client == client]
    return [_span(assignment, names[assignment.account_id]) for assignment in mine]


def _span(assignment: SimulatedAssignment, name: str) -> dict[str, str]:
    span = {"id": assignment.account_id, "name": name, "from": assignment.start.isoformat()}
    return span | ({"to": assignment.end.isoformat()} if assignment.end else {})


def _groups(facts: Iterable[Fact], key: Callable[[Fact], str]) -> dict[str, list[Fact]]:
    groups: dict[str, list[Fact]] = {}
    for fact in facts:
        groups.setdefault(key(fact), []).append(fact)
    return dict(sorted(groups.items()))


def _grouped(facts: Iterable[Fact], key: Callable[[Fact], str]) -> dict[str, dict[str, Any]]:
    return {name: _totals(mine) for name, mine in _groups(facts, key).items()}


def _totals(facts: Iterable[Fact]) -> dict[str, Any]:
    sums = dict.fromkeys(TOTALS, 0)
    for fact in facts:
        for name, amount in fact.totals.items():
            sums[name] += amount
    return {name: plain(sums[name]) for name in TOTALS if name != "rows"} | {"rows": sums["rows"]}
