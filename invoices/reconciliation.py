"""Owns the proof: the payer's money against the clients', the retained and AWS's own totals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from invoices.balances import Balance, CurrencyTotal
from invoices.clients import AccountId, ClientKey
from invoices.control_totals import (
    CONTROL_FILE,
    SOURCES,
    ControlFileRecord,
    ControlTotal,
    control_total_differs,
    differs,
)
from invoices.documents.carry_forward import CarriedBalance
from invoices.documents.invoice import Invoice
from invoices.documents.restatement import CORRECTION_PROPOSED
from invoices.money import COST_DIGITS, EXACT, CostAndPrice, exact_sum, from_minor, plain, to_minor
from invoices.periods import BillingPeriod
from kernel.findings import Finding, Severity


@dataclass(frozen=True, slots=True)
class ClientTotal:
    """A client's side of the proof. Costs and prices are exact, in the payer's currency."""

    client: ClientKey
    cost: Decimal
    charges_price: Decimal
    """Before custom line items."""
    custom_price: Decimal
    """Custom line items, in the invoice's currency."""
    invoice: Invoice | None
    """The draft or the issued document; None while the client is parked."""
    others: Mapping[str, CostAndPrice] = field(default_factory=dict)
    """By currency, costs and prices of charges in others than the payer's."""

    @property
    def price(self) -> Decimal:
        """All that is asked before tax, in the payer's currency, but for `others`.

        Custom line items are in the invoice's: another currency is turned back, to ten places.
        """
        custom = EXACT.divide(self.custom_price, self.exchange_rate)
        if self.exchange_rate != 1:
            # A quotient may have no end; ten places are far below a cent:
            # `tests/unit/invoices/test_reconciliation.py`,
            # `test_a_client_in_euros_is_converted_and_its_rounding_explained`.
            custom = custom.quantize(Decimal(1).scaleb(-COST_DIGITS), context=EXACT)
        return EXACT.add(self.charges_price, custom)

    @property
    def rounding(self) -> Decimal:
        """Invoice total = price x exchange rate + tax + this, in the invoice's currency."""
        if self.invoice is None:
            return Decimal(0)
        subtotal = from_minor(self.invoice.own_subtotal_minor, self.invoice.currency)
        price = EXACT.multiply(self.price, self.exchange_rate)
        return EXACT.subtract(subtotal, exact_sum([price, *self._others_converted]))

    @property
    def closes(self) -> bool:
        """The invoice asks for the exact price, rounded once, and the tax."""
        if self.invoice is None or self._has_unconverted:
            return False
        invoice = self.invoice
        charges = EXACT.multiply(self.charges_price, self.exchange_rate)
        exact = exact_sum([charges, *self._others_converted, self.custom_price])
        subtotal = to_minor(exact, invoice.currency, invoice.rounding)
        return (
            invoice.own_subtotal_minor == subtotal
            and invoice.subtotal_minor == sum(line.amount_minor for line in invoice.lines)
            and invoice.tax_minor == sum(line.tax_minor for line in invoice.tax_lines)
            and invoice.total_minor == invoice.subtotal_minor + invoice.tax_minor
        )

    @property
    def exchange_rate(self) -> Decimal:
        exchange = self.invoice.exchange if self.invoice else None
        return exchange.rate if exchange else Decimal(1)

    def rate_from(self, currency: str) -> Decimal | None:
        """Of one of `others`; None where the invoice converts nothing of it."""
        if self.invoice is None or currency == self.invoice.currency:
            return Decimal(1)
        found = self.invoice.exchanges.get(currency)
        return found.rate if found else None

    @property
    def _has_unconverted(self) -> bool:
        """AWS charged since in a currency that the issued invoice knows nothing of."""
        return any(
            found.price and self.rate_from(each) is None for each, found in self.others.items()
        )

    @property
    def _others_converted(self) -> list[Decimal]:
        rates = {each: self.rate_from(each) or Decimal(0) for each in self.others}
        return [EXACT.multiply(found.price, rates[each]) for each, found in self.others.items()]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A payer's month on one page. `closes` says whether it may be issued."""

    period: BillingPeriod
    payer_account_id: AccountId
    currency: str
    payer_total: Decimal
    clients: tuple[ClientTotal, ...]
    retained: Mapping[str, Decimal]
    unassigned: Decimal
    rounding: Decimal
    """AWS's own, between its invoices and its line items."""
    control_totals: tuple[ControlTotal, ...]
    findings: tuple[Finding, ...]
    control_files: tuple[ControlFileRecord, ...] = ()
    others: tuple[CurrencyTotal, ...] = ()
    """What the payer is charged in other currencies."""
    carried_forward: tuple[CarriedBalance, ...] = ()
    """Of this month; what it takes of other months' is on its documents."""

    @property
    def balances(self) -> tuple[Balance, ...]:
        """By currency, the payer's first: each is proved by itself."""
        own = CurrencyTotal(
            currency=self.currency,
            payer_total=self.payer_total,
            retained=self.retained,
            unassigned=self.unassigned,
        )
        return (
            Balance(own, {each.client: each.cost for each in self.clients}, self.rounding),
            *(
                Balance(
                    other,
                    {
                        each.client: each.others[other.currency].cost
                        for each in self.clients
                        if other.currency in each.others
                    },
                )
                for other in self.others
            ),
        )

    @property
    def difference(self) -> Decimal:
        """What the payer pays in its own currency and nobody accounts for."""
        return self.balances[0].difference

    @property
    def closes(self) -> bool:
        return (
            all(balance.closes for balance in self.balances)
            and all(client.closes for client in self.clients)
            and not any(finding.severity is Severity.CRITICAL for finding in self.findings)
            and not self.waiting
        )

    @property
    def waiting(self) -> tuple[Finding, ...]:
        """What issued documents lack: it is proposed, and the sums are right once it is issued."""
        return tuple(each for each in self.findings if each.code == CORRECTION_PROPOSED)

    @property
    def is_confirmed(self) -> bool:
        """Whether figures that AWS states elsewhere are ours. What closes was read whole; whether
        what was read is the bill, only AWS can say."""
        stated = {
            each.currency or self.currency for each in self.control_totals if not each.is_part
        }
        charged = {self.currency, *(other.currency for other in self.others)}
        if any(each.counts for each in self.control_files):
            # A file is held against all that is charged, in every currency that has a name.
            stated |= charged - {""} | {self.currency}
        return charged <= stated and not any(
            differs(total, self.currency) for total in self.control_totals
        )

    @property
    def confirmed_by(self) -> tuple[str, ...]:
        """In words, whose figures these are, where they confirm the month."""
        if not self.is_confirmed:
            return ()
        asked = {total.source for total in self.control_totals} - {CONTROL_FILE}
        files = [each.words for each in self.control_files if each.counts]
        return (*(SOURCES.get(each, each) for each in sorted(asked)), *files)

    @property
    def verdict(self) -> str:
        if not self.closes:
            return "It does not close."
        if not self.is_confirmed:
            return "It closes; not confirmed by AWS."
        return f"It closes. Confirmed by {', '.join(self.confirmed_by)}."

    def to_json(self) -> dict[str, Any]:
        """JSON values; every amount is an exact plain decimal as text."""
        return {
            "period": str(self.period),
            "payer_account_id": self.payer_account_id,
            "currency": self.currency,
            "payer_total": plain(self.payer_total),
            "clients": [_client_json(client, self.currency) for client in self.clients],
            "retained": {reason: plain(amount) for reason, amount in self.retained.items()},
            "unassigned": plain(self.unassigned),
            "rounding": plain(self.rounding),
            "closes": self.closes,
            "confirmed": self.is_confirmed,
            "confirmed_by": list(self.confirmed_by),
            "control_files": [each.to_json() for each in self.control_files],
            "control_totals": [total.to_json() for total in self.control_totals],
            "findings": [_finding_json(finding) for finding in self.findings],
            **_only_if([balance.to_json() for balance in self.balances[1:]]),
            "carried_forward": [each.to_json() for each in self.carried_forward],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerMonth:
    """What a payer is charged for a month, in its currency."""

    period: BillingPeriod
    payer_account_id: AccountId
    currency: str
    total: Decimal
    """`rounding` included."""
    rounding: Decimal = Decimal(0)
    """AWS's own, between its invoices and its line items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounted:
    """Where all of it went: to clients, to us by reason, or to nobody yet."""

    clients: tuple[ClientTotal, ...]
    retained: Mapping[str, Decimal]
    unassigned: Decimal
    others: tuple[CurrencyTotal, ...] = ()


def reconcile(
    payer: PayerMonth,
    accounted: Accounted,
    *,
    control_totals: Iterable[ControlTotal] = (),
    control_files: Iterable[ControlFileRecord] = (),
    findings: Iterable[Finding] = (),
    carried_forward: Iterable[CarriedBalance] = (),
) -> Reconciliation:
    """The proof, with a finding for every control total that is not ours."""
    files = tuple(control_files)
    differing_in_files = {total for each in files if each.counts for total in each.differing}
    totals = tuple(
        sorted({*control_totals, *differing_in_files}, key=lambda total: (total.source, total.what))
    )
    differing = (
        control_total_differs(total, payer.currency)
        for total in totals
        if differs(total, payer.currency)
    )
    return Reconciliation(
        period=payer.period,
        payer_account_id=payer.payer_account_id,
        currency=payer.currency,
        payer_total=payer.total,
        clients=tuple(sorted(accounted.clients, key=lambda total: total.client)),
        retained=dict(sorted(accounted.retained.items())),
        unassigned=accounted.unassigned,
        rounding=payer.rounding,
        control_totals=totals,
        findings=tuple(sorted({*findings, *differing})),
        control_files=files,
        others=accounted.others,
        carried_forward=tuple(carried_forward),
    )


def _client_json(total: ClientTotal, payer_currency: str) -> dict[str, Any]:
    invoice = total.invoice
    currency = invoice.currency if invoice else payer_currency
    # Where no rate is, custom line items are all there is, and stay in the invoice's currency.
    is_comparable = currency == payer_currency or (invoice and invoice.exchange)
    price = total.price if is_comparable else total.charges_price
    return {
        "client": total.client,
        "cost": plain(total.cost),
        "price": plain(price),
        "margin": plain(EXACT.subtract(price, total.cost)),
        "custom_price": plain(total.custom_price),
        "invoice_number": invoice.number if invoice else "",
        "invoice_currency": currency,
        "exchange_rate": plain(total.exchange_rate),
        "carried": _amount(invoice.carried_minor, currency) if invoice else None,
        **_prepaid(invoice),
        "tax": _amount(invoice.tax_minor, currency) if invoice else None,
        "rounding": plain(total.rounding),
        "invoice_total": _amount(invoice.total_minor, currency) if invoice else None,
        **_only_if([_other_json(total, each) for each in total.others]),
    }


def _prepaid(invoice: Invoice | None) -> dict[str, Any]:
    taken = invoice.prepaid_minor if invoice else 0
    return {"prepaid": _amount(taken, invoice.currency)} if invoice and taken else {}


def _only_if(other_currencies: list[dict[str, Any]]) -> dict[str, Any]:
    """A month of one currency is told as it ever was."""
    return {"other_currencies": other_currencies} if other_currencies else {}


def _other_json(total: ClientTotal, currency: str) -> dict[str, Any]:
    found, rate = total.others[currency], total.rate_from(currency)
    return {
        "currency": currency,
        "cost": plain(found.cost),
        "price": plain(found.price),
        "margin": plain(EXACT.subtract(found.price, found.cost)),
        "exchange_rate": None if rate is None else plain(rate),
    }


def _amount(minor: int, currency: str) -> str:
    return format(from_minor(minor, currency), "f")


def _finding_json(finding: Finding) -> dict[str, str]:
    return {
        "severity": finding.severity.value,
        "code": finding.code,
        "where": finding.where,
        "message": finding.message,
        "client": finding.client,
    }
