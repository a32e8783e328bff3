"""Owns the lines that stand alone: support, tax, credits, refunds, contracts, late corrections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from random import Random
from typing import Any

from sandbox.bills.amounts import UNIT, units
from sandbox.bills.aws_invoices import INC, AwsInvoices
from sandbox.bills.lines import Interval, LineKind, Single, Template
from sandbox.bills.organization import Month, SimulatedAccount, SimulatedOrganization

_CENT = UNIT // 100
TAX_PERCENT = 21


class SingleLines:
    """Makes the single lines of a month; a measure not given is the unblended cost or zero."""

    def __init__(
        self, organization: SimulatedOrganization, month: Month, invoices: AwsInvoices
    ) -> None:
        self._organization = organization
        self._month = month
        self._invoices = invoices
        self._accounts = {a.id: a for a in (organization.payer, *organization.accounts)}
        self._made = 0

    def everyday(self, spend: Mapping[str, int]) -> list[Single]:
        """What any month brings. `spend` is every account's metered cost, in units."""
        made = [*self._payer(), *self._oddities()]
        for number, account in enumerate(self._organization.accounts):
            cost = spend.get(account.id, 0)
            if not account.hours_in(self._month)[1]:
                continue
            if number % 2 == 0:
                made.append(self._support(account, cost))
            if account.legal_entity != INC:
                made.append(self._tax(account, cost))
            if number % 5 == 0:
                made.append(self._credit(account, cost))
            if number % 7 == 3:
                made.append(self._subscription(account))
        return made

    def restated(self, singles: Sequence[Single], spend: Mapping[str, int]) -> list[Single]:
        """The month as AWS corrects it later: one support fee is dearer, and there is a late
        credit, a late refund and late support.
        """
        support = next(n for n, single in enumerate(singles) if _is_business_support(single))
        first, second, third = (self._account(n) for n in (1, 2, 3))
        return [
            *singles[:support],
            _dearer(singles[support], units("5")),
            *singles[support + 1 :],
            self._single(
                first, LineKind.CREDIT, -units("12.5"), "AmazonEC2", "Late migration credit"
            ),
            self._refund(second, "Service credit for an outage", units("3.07")),
            self._support(third, spend.get(third.id, 0), usage_type="Late-Support"),
        ]

    def discount(self, on: Template, kind: LineKind, cost: int) -> Single:
        """A discount on all an account had of a product, as a line of its own.

        Its blended cost is blank, as AWS leaves it.
        """
        words = kind.removeprefix("discount_").replace("_", " ")
        support = on.product_code.startswith("AWSSupport")
        account = self._accounts[on.account_id]
        return self._single(
            account, kind, cost, on.product_code, f"{words} discount on {on.product_name}",
            product_name=on.product_name, legal_entity=on.legal_entity, invoice_id=on.invoice_id,
            line_type="Solution Provider Program Discount" if support else "",
            measures={"blended": 0, "usage": 0},
        )  # fmt: skip

    def _payer(self) -> list[Single]:
        payer = self._organization.payer
        return [
            self._single(
                payer, LineKind.FEE, units("100"), "OCBLateFee", "Late payment fee for invoice 1",
                product_name="AWS Late Fee", usage_type="OCB-LateFee",
            ),
            self._single(
                payer, LineKind.FEE, units("15000"), "AWSSupportEnterprise",
                "AWS Support (Enterprise)", usage_type="Dollar",
                measures={"discount_spp": -units("450")},
            ),
        ]  # fmt: skip

    def _oddities(self) -> list[Single]:
        """A registration in another month, a Marketplace contract, a refund."""
        before = self._month.start - timedelta(days=9)
        registrar = self._single(
            self._account(4), LineKind.FEE, units("14"), "AmazonRegistrar",
            "Renewal of example.org",
            product_name="Amazon Registrar", usage_type="domain-renewal",
            interval=Interval(before, before + timedelta(days=365)),
        )  # fmt: skip
        contract = self._single(
            self._account(5), LineKind.FEE, units("120000"), "5x7contract000000000000000",
            "AWS Marketplace software contract", product_name="Observe-All (Annual)",
            usage_type="Global-SoftwareContract", bill_type="Purchase",
            billing_entity="AWS Marketplace", legal_entity="Obsérve-All SAS",
            seller="Obsérve-All SAS", invoice_id=self._invoices.marketplace,
        )  # fmt: skip
        refund = self._refund(self._account(6), "Refund of an earlier month", units("41.2"))
        return [registrar, contract, refund]

    def _support(self, account: SimulatedAccount, cost: int, usage_type: str = "Dollar") -> Single:
        fee = max(units("29"), cost // 10 // _CENT * _CENT)
        return self._single(
            account, LineKind.FEE, fee, "AWSSupportBusiness", "AWS Support (Business)",
            product_name="AWS Support (Business)", usage_type=usage_type,
        )  # fmt: skip

    def _tax(self, account: SimulatedAccount, cost: int) -> Single:
        return self._single(
            account, LineKind.TAX, cost * TAX_PERCENT // 100 // _CENT * _CENT, "AmazonEC2",
            f"Tax for product code AmazonEC2 usage type of {account.id}", tax_type="VAT",
        )  # fmt: skip

    def _credit(self, account: SimulatedAccount, cost: int) -> Single:
        return self._single(
            account, LineKind.CREDIT, -(cost // 50) - 1, "AmazonEC2",
            f"AWS Activate credit EDP-{Random(account.id).randrange(10**6):06}",
        )  # fmt: skip

    def _subscription(self, account: SimulatedAccount) -> Single:
        return self._single(
            account, LineKind.SUBSCRIPTION, units("20"), "Kiro", "Kiro Pro subscription",
            product_name="Kiro", usage_type="Kiro-Pro-Seat",
        )  # fmt: skip

    def _refund(self, account: SimulatedAccount, words: str, cost: int) -> Single:
        return self._single(
            account, LineKind.REFUND, -cost, "AmazonS3", words, bill_type="Refund",
            invoice_id=self._invoices.credit_memo,
        )  # fmt: skip

    def _single(
        self,
        account: SimulatedAccount,
        kind: LineKind,
        cost: int,
        product_code: str,
        description: str,
        *,
        interval: Interval | None = None,
        measures: Mapping[str, int] | None = None,
        **text: Any,
    ) -> Single:
        self._made += 1
        token = Random(f"{self._month} {account.id} {kind} {self._made}").getrandbits(250)
        text.setdefault("legal_entity", account.legal_entity)
        text.setdefault("invoice_id", self._invoices.by_entity.get(text["legal_entity"], ""))
        template = Template(
            id=f"{token:063x}"[:52],
            kind=kind,
            account_id=account.id,
            account_name=account.name,
            product_code=product_code,
            description=description,
            **({"product_name": product_code} | text),
        )
        costs = {"unblended": cost, "blended": cost, "usage": UNIT}
        return Single(template, interval or self._span(account), costs | dict(measures or {}))

    def _span(self, account: SimulatedAccount) -> Interval:
        """From the account's first hour in the month, so that its client is known on that day."""
        start = max(
            datetime.combine(account.joined_on, time(), self._month.start.tzinfo), self._month.start
        )
        return Interval(start, self._month.end)  # fmt: skip

    def _account(self, number: int) -> SimulatedAccount:
        whole = self._organization.whole_accounts()
        return whole[number % len(whole)]


def _is_business_support(single: Single) -> bool:
    return single.template.product_code == "AWSSupportBusiness"


def _dearer(single: Single, surcharge: int) -> Single:
    raised = {name: single.measures[name] + surcharge for name in ("unblended", "blended")}
    return replace(single, measures={**single.measures, **raised})


def spend_by_account(templates: Iterable[Template], costs: Iterable[int]) -> dict[str, int]:
    """What every account's metered lines cost; split lines repeat a cost and do not count."""
    spend: dict[str, int] = {}
    for template, cost in zip(templates, costs, strict=True):
        if not template.is_split:
            spend[template.account_id] = spend.get(template.account_id, 0) + cost
    return spend
