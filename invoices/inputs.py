"""Owns the named inputs of a billing run: what a draft is a pure function of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from invoices.allocation.shared_costs.groups import SharedCost
from invoices.clients import (
    ADDED_LATER,
    UNSAID,
    AccountId,
    Client,
    ClientKey,
    MonthPolicies,
    NegativeMonths,
    Roster,
    ZeroMonths,
)
from invoices.documents.carry_forward import CarryForward
from invoices.documents.invoice import Exchange, Seller
from invoices.documents.prepayments import Drawn, Pot, pots_of
from invoices.kinds import Kind
from invoices.money import Rounding
from invoices.periods import BillingPeriod
from invoices.pricing.book import PriceBook
from invoices.pricing.custom import CustomLineItem
from invoices.pricing.spend import CountedMonth
from kernel.findings import Finding, Severity


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """One unit of `from_currency` is `rate` units of `to_currency` on a period's invoices."""

    period: BillingPeriod
    from_currency: str
    to_currency: str
    rate: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class LineType:
    """From `start` on, charges of this line item type of AWS's are of this kind."""

    name: str
    start: BillingPeriod
    kind: Kind

    def __str__(self) -> str:
        return f"line type {self.name} is {self.kind} from {self.start}"


WAIVABLE = (
    "basis_unanswerable",
    "cut_off",
    "refund_taken_as_upfront",
    "row_across_change_of_hands",
    "rows_without_cost",
    "rule_unanswerable",
    "shared_cost_untagged",
    "shared_cost_without_basis",
    "support_without_basis",
    "tax_upon_tax",
)
"""Findings about what the export does not say: a person may know better, and answers for it."""


@dataclass(frozen=True, slots=True, order=True)
class Waiver:
    """That a finding of a payer's month stops nobody, because of what somebody knows."""

    payer_account_id: AccountId
    period: BillingPeriod
    code: str
    """One of WAIVABLE."""
    client: str
    """'' is whoever it concerns."""
    reason: str

    def covers(self, finding: Finding) -> bool:
        return finding.code == self.code and self.client in ("", finding.client)


def waived(findings: Iterable[Finding], waivers: Iterable[Waiver]) -> tuple[Finding, ...]:
    """What is waived is told with its reason, and stops nothing."""
    given = tuple(waivers)
    told = []
    for finding in findings:
        waiver = next((each for each in given if each.covers(finding)), None)
        if waiver is not None and finding.severity is Severity.CRITICAL:
            words = f"{finding.message} Waived: {waiver.reason}"
            finding = replace(finding, severity=Severity.WARNING, message=words)
        told.append(finding)
    return tuple(told)


@dataclass(frozen=True, slots=True)
class ExportLimits:
    """What the month's export cannot say, each with the reason in words."""

    bases: Mapping[str, str] = field(default_factory=dict)
    """By cost basis: whoever is billed by it is parked."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """By column that a pricing rule may match."""
    ends: str = ""
    """Why it does not show how long a row lasts; '' where it does."""
    on_demand: Mapping[str, int] = field(default_factory=dict, metadata=ADDED_LATER)
    """By commitment, rows of what it covered without their on-demand equivalent."""


@dataclass(frozen=True, slots=True)
class BillingInputs:
    """Everything but the charges: loaded by the shell, resolved for one payer and period."""

    payer_account_id: AccountId
    period: BillingPeriod
    snapshot_id: str
    seller: Seller
    rounding: Rounding
    clients: tuple[Client, ...]
    roster: Roster
    internal_accounts: frozenset[AccountId]
    """Our own accounts: their charges are retained, reason `internal_accounts`."""
    price_books: Mapping[str, PriceBook]
    """By key, the version in effect in `period`."""
    custom_line_items: tuple[CustomLineItem, ...]
    exchange_rates: tuple[ExchangeRate, ...]
    account_names: Mapping[AccountId, str]
    waivers: tuple[Waiver, ...] = field(default=(), metadata=ADDED_LATER)
    """Those of this payer and period."""
    line_types: Mapping[str, str] = field(default_factory=dict, metadata=ADDED_LATER)
    """AWS's line item types that a person mapped: the kind that their charges are."""
    line_types_since: Mapping[str, str] = field(default_factory=dict, metadata=ADDED_LATER)
    """By type, the period from which on it is of that kind."""
    has_other_payers: bool = field(default=False, metadata=ADDED_LATER)
    """So that a custom line item that names none could go on several documents."""
    export_limits: ExportLimits = field(default=ExportLimits(), metadata=ADDED_LATER)
    tax_rounding: Rounding | None = field(default=None, metadata=ADDED_LATER)
    """None: tax is rounded as all else."""
    prorates_monthly_fees: bool = field(default=False, metadata=ADDED_LATER)
    """Of an account that changes hands: by days, and not to its first day's owner."""
    tax_currency: str = field(default="", metadata=ADDED_LATER)
    """In which the seller accounts for its tax; '' where it has not said."""
    months: MonthPolicies = field(default=UNSAID, metadata=ADDED_LATER)
    """The seller's, for clients that say nothing themselves."""
    balances: tuple[CarryForward, ...] = field(default=(), metadata=ADDED_LATER)
    """Of earlier months of this payer, as far as no other month's document takes them."""

    shared_costs: tuple[SharedCost, ...] = field(default=(), metadata=ADDED_LATER)
    """In effect in `period`, by key."""
    counted_months: tuple[CountedMonth, ...] = field(default=(), metadata=ADDED_LATER)
    """Of earlier months of this payer, as they were billed: what they count to a minimum spend."""

    drawn: tuple[Drawn, ...] = field(default=(), metadata=ADDED_LATER)
    """What documents of this payer's other months take of what was paid ahead."""

    def counted_of(self, client: ClientKey) -> tuple[CountedMonth, ...]:
        return tuple(each for each in self.counted_months if each.client == client)

    def pots_of(self, client: Client) -> list[Pot]:
        drawn = [each for each in self.drawn if each.client == client.key]
        items = self.custom_items_of(client.key)
        return pots_of(items, drawn, currency=client.currency, period=self.period)

    def balances_of(self, client: ClientKey) -> tuple[CarryForward, ...]:
        return tuple(each for each in self.balances if each.client == client)

    def zero_months(self, client: Client) -> ZeroMonths:
        return client.months.zero or self.months.zero or ZeroMonths.INVOICE

    def negative_months(self, client: Client) -> NegativeMonths:
        return client.months.negative or self.months.negative or NegativeMonths.PARK

    @property
    def mapped_line_types(self) -> tuple[LineType, ...]:
        """In order; of inputs of an earlier version, nobody knows since when."""
        return tuple(
            LineType(
                name,
                BillingPeriod.parse(self.line_types_since.get(name, str(self.period))),
                Kind(kind),
            )
            for name, kind in sorted(self.line_types.items())
        )

    def custom_items_of(self, client: ClientKey) -> tuple[CustomLineItem, ...]:
        return tuple(item for item in self.custom_line_items if item.client == client)

    def exchanges_to(self, currency: str) -> dict[str, Exchange]:
        """The period's rates to this currency, by the currency they are from."""
        return {
            each.from_currency: Exchange(each.from_currency, currency, each.rate, each.source)
            for each in self.exchange_rates
            if (each.period, each.to_currency) == (self.period, currency)
        }
