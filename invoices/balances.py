"""Owns the balance: what a payer is charged in one currency, and who bears it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from invoices.clients import ClientKey
from invoices.money import EXACT, exact_sum, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyTotal:
    """What a payer is charged for a month in one currency, and what of it is no client's."""

    currency: str
    payer_total: Decimal
    retained: Mapping[str, Decimal]
    unassigned: Decimal


@dataclass(frozen=True, slots=True)
class Balance:
    """One currency of a payer's month: its total, and who bears it."""

    total: CurrencyTotal
    costs: Mapping[ClientKey, Decimal]
    rounding: Decimal = Decimal(0)
    """AWS's own, between its invoices and its line items."""

    @property
    def difference(self) -> Decimal:
        """What the payer pays and nobody accounts for."""
        total = self.total
        accounted = exact_sum(
            [
                *self.costs.values(),
                *total.retained.values(),
                total.unassigned,
                # AWS's invoices may differ from its line items by its own rounding, which is named
                # and not hidden in a client: `tests/unit/invoices/test_reconciliation.py`,
                # `test_awss_own_rounding_is_a_figure_of_its_own`.
                self.rounding,
            ]
        )
        return EXACT.subtract(total.payer_total, accounted)

    @property
    def closes(self) -> bool:
        return self.difference == 0 and self.total.unassigned == 0

    @property
    def open_money(self) -> str:
        return f"{plain(self.difference)} unaccounted, {plain(self.total.unassigned)} unassigned"

    def to_json(self) -> dict[str, Any]:
        total = self.total
        return {
            "currency": total.currency,
            "payer_total": plain(total.payer_total),
            "clients": [
                {"client": client, "cost": plain(cost)} for client, cost in self.costs.items()
            ],
            "retained": {reason: plain(amount) for reason, amount in total.retained.items()},
            "unassigned": plain(total.unassigned),
            "difference": plain(self.difference),
        }
