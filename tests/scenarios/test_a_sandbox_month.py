"""A pretend payer's month, read and billed: every client's cost is what the sandbox wrote down."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from invoices.charges import Charges
from invoices.clients import AccountId, Assignment
from invoices.inputs import BillingInputs, Waiver
from invoices.kinds import DISCOUNTS, CostBasis, Kind
from invoices.money import exact_sum
from invoices.month import bill, prove
from invoices.periods import BillingPeriod
from invoices.pricing.book import PriceBook
from jobs.ingest.run import IngestRequest, ingest
from sandbox.bills import Discounts, ExportDialect, Simulation, simulate
from tests.support.builders import book, inputs, markup, owns

OCTOBER = BillingPeriod(2026, 10)


@dataclass(frozen=True)
class PretendMonth:
    charges: Charges
    truth: dict[str, Any]
    roster: dict[str, Any]

    def inputs(self, priced_by: PriceBook) -> BillingInputs:
        given = inputs(
            *self._assignments(), books=[priced_by], internal=self.roster["internal_accounts"]
        )
        payer = AccountId(self.truth["payer_account_id"])
        return replace(given, period=OCTOBER, payer_account_id=payer)

    @property
    def waiver(self) -> Waiver:
        payer = AccountId(self.truth["payer_account_id"])
        return Waiver(payer, OCTOBER, "row_across_change_of_hands", "", "the sandbox says so")

    @property
    def clients_of_moved_accounts(self) -> set[str]:
        clients: dict[str, set[str]] = {}
        for each in self._assignments():
            clients.setdefault(each.account_id, set()).add(each.client)
        return set().union(*(of for of in clients.values() if len(of) > 1))

    def _assignments(self) -> Iterator[Assignment]:
        for client in self.roster["clients"]:
            for account in client["accounts"]:
                until = date.fromisoformat(account["to"]) if "to" in account else None
                start = date.fromisoformat(account["from"])
                yield owns(client["key"], account["id"], start, until)


@pytest.fixture(scope="module", params=list(Discounts), ids=lambda mode: f"discounts as {mode}")
def month(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PretendMonth:
    out: Path = tmp_path_factory.mktemp("month")
    simulate(
        Simulation(
            seed=5,
            accounts=40,
            start=str(OCTOBER),
            rows=3000,
            formats=(ExportDialect.CUR2,),
            discounts=request.param,
        ),
        out,
    )
    written = json.loads((out / "truth.json").read_text())
    truth = written["periods"][str(OCTOBER)][str(request.param)]
    (export,) = written["exports"]
    location = out / export["bucket"] / export["prefix"]
    asked = IngestRequest(str(location), AccountId(truth["payer_account_id"]), OCTOBER)
    ingested = ingest(asked, cache=out / "cache", progress=lambda *_: None)
    return PretendMonth(ingested.charges, truth, json.loads((out / "roster.json").read_text()))


PERCENTAGES = frozenset({Kind.DISCOUNT_EDP, Kind.DISCOUNT_SPP})
"""Of other lines; of an account that changes hands the sandbox has them at its first owner."""


def costs_of(month: PretendMonth, basis: CostBasis, passed: Collection[Kind]) -> dict[str, Decimal]:
    """By client, of a month that closes; credits and tax are passed on, and these discounts."""
    at_cost = book(
        cost_basis=basis,
        credits_passed_percent=Decimal(100),
        aws_tax_passed_percent=Decimal(100),
        discounts_passed_percent=dict.fromkeys(passed, Decimal(100)),
    )
    # One account changes hands. It has a credit of the whole month, which nobody can split: waived,
    # it is the first owner's, as it is in the sandbox.
    answered = replace(month.inputs(at_cost), waivers=(month.waiver,))
    proof = prove(bill(month.charges, answered))

    ours = Decimal(month.truth["by_client"]["internal"]["net_billed"])
    assert proof.retained["internal_accounts"] == ours
    assert proof.payer_total == Decimal(month.truth["payer_total"])
    assert proof.closes
    return {str(total.client): total.cost for total in proof.clients}


def truth_of(
    month: PretendMonth, basis: CostBasis, without: Collection[Kind]
) -> dict[str, Decimal]:
    column = "net_amortized" if basis is CostBasis.LIST else basis.value
    return {
        client: exact_sum(Decimal(of[column]) for kind, of in kinds.items() if kind not in without)
        for client, kinds in month.truth["by_client_kind"].items()
        if client != "internal"
    }


@pytest.mark.parametrize("basis", [each for each in CostBasis if "net" not in each])
def test_each_clients_cost_is_the_sandboxs_own_sum(month: PretendMonth, basis: CostBasis) -> None:
    """Also of the two whose account changes hands: of fees of commitments each has its days."""
    passed = frozenset(DISCOUNTS) - PERCENTAGES
    assert costs_of(month, basis, passed) == truth_of(month, basis, PERCENTAGES)


@pytest.mark.parametrize("basis", CostBasis)
def test_with_percentages_both_clients_of_a_moved_account_come_to_the_same(
    month: PretendMonth, basis: CostBasis
) -> None:
    """How these are split, figures worked by hand show: `tests/unit/invoices/test_proration.py`.

    Where discounts are columns there are none, and nothing is left to add up.
    """
    costs, truth = costs_of(month, basis, DISCOUNTS), truth_of(month, basis, ())

    moved = month.clients_of_moved_accounts
    assert len(moved) == 2
    assert exact_sum(costs[client] for client in moved) == exact_sum(truth[c] for c in moved)
    assert all(costs[client] == truth[client] for client in truth.keys() - moved)
    if month.truth["discounts"] == Discounts.COLUMNS:
        assert costs == truth


@pytest.mark.parametrize("basis", CostBasis)
def test_a_month_closes_whatever_is_retained(month: PretendMonth, basis: CostBasis) -> None:
    rules = [markup("7.5", service="AmazonEC2"), markup("5")]
    half = dict.fromkeys(DISCOUNTS, Decimal("33.3333"))
    shared = book(
        *rules,
        cost_basis=basis,
        credits_passed_percent=Decimal(50),
        discounts_passed_percent=half,
    )

    proof = prove(bill(month.charges, replace(month.inputs(shared), waivers=(month.waiver,))))

    assert proof.payer_total == Decimal(month.truth["payer_total"])
    assert proof.closes
    assert {"aws_tax", "credits", "internal_accounts"} <= set(proof.retained)
