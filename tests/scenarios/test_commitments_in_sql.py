"""Commitments by contract, once by us and once in plain SQL over the rows of a sandbox's bill."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from invoices.allocation.commitments.policies import (
    Benefit,
    CommitmentPolicies,
    CommitmentPolicy,
)
from invoices.charges import Charges
from invoices.clients import AccountId
from invoices.kinds import CostBasis
from invoices.month import bill
from invoices.periods import BillingPeriod
from jobs.ingest.run import IngestRequest, ingest
from sandbox.bills import ExportDialect, Simulation, simulate
from tests.support.builders import book, inputs, owns

SEPTEMBER = BillingPeriod(2026, 9)
CLIENTS = "abc"

COVERED_ROWS = """
create view covered as
with rows as (
    select
        coalesce(nullif(reservation_reservation_a_r_n, ''), savings_plan_savings_plan_a_r_n) as arn,
        line_item_usage_account_id as account,
        line_item_line_item_type as type,
        case line_item_line_item_type
            when 'DiscountedUsage' then pricing_public_on_demand_cost
            when 'SavingsPlanCoveredUsage' then line_item_unblended_cost
        end::decimal(38, 10) as on_demand,
        case line_item_line_item_type
            when 'DiscountedUsage' then reservation_effective_cost
            when 'SavingsPlanCoveredUsage' then savings_plan_savings_plan_effective_cost
        end::decimal(38, 10) as effective,
        case line_item_line_item_type
            when 'RIFee' then reservation_unused_amortized_upfront_fee_for_billing_period
                + reservation_unused_recurring_fee
            when 'SavingsPlanRecurringFee' then savings_plan_total_commitment_to_date
                - savings_plan_used_commitment
        end::decimal(38, 10) as unused
    from read_parquet('{files}')
),
whose as (select * from (values {clients}) as t(account, client)),
owners as (
    select distinct arn, client as owner from rows join whose using (account)
    where type in ('RIFee', 'SavingsPlanRecurringFee', 'SavingsPlanUpfrontFee')
        or (type = 'Fee' and arn <> '')
)
select
    arn, client, owner,
    coalesce(sum(on_demand), 0) as on_demand,
    coalesce(sum(on_demand - effective), 0) as benefit,
    coalesce(sum(unused), 0) as unused
from rows join whose using (account) left join owners using (arn)
group by all
"""

CHANGES = {
    # What a client pays more than as AWS applied it.
    Benefit.RETAINED: """
        select client, sum(benefit - unused) from covered where arn <> '' group by client
    """,
    Benefit.OWNER_CLIENT: """
        select client, sum(change) from (
            select client, benefit as change from covered where client <> owner
            union all select owner, -benefit from covered where client <> owner
        ) group by client
    """,
    Benefit.CAPPED_ON_DEMAND: """
        select client, sum(change) from (
            select client, benefit as change from covered where client <> owner and benefit < 0
            union all
            select owner, -benefit from covered where client <> owner and benefit < 0
        ) group by client
    """,
    Benefit.PRO_RATA: """
        select client, sum(benefit - total * on_demand / nullif(of_all, 0)) from (
            select client, benefit::double as benefit, on_demand::double as on_demand,
                sum(benefit) over (partition by arn)::double as total,
                sum(on_demand) over (partition by arn)::double as of_all
            from covered
        ) group by client
    """,
}


@dataclass(frozen=True)
class SandboxMonth:
    charges: Charges
    payer: AccountId
    accounts: Mapping[str, str]
    rows_of: Callable[[str], list[tuple[Any, ...]]]
    """Of an SQL query."""


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxMonth]:
    # At its end the interpreter finds what of it a module still holds, and tells of leaks.
    import duckdb

    out: Path = tmp_path_factory.mktemp("committed")
    asked = Simulation(
        seed=3, accounts=9, start=str(SEPTEMBER), rows=1500, formats=(ExportDialect.CUR2,)
    )
    simulate(asked, out)
    written = json.loads((out / "truth.json").read_text())
    payer = AccountId(next(iter(written["periods"][str(SEPTEMBER)].values()))["payer_account_id"])
    (export,) = written["exports"]
    location = out / export["bucket"] / export["prefix"]
    request = IngestRequest(str(location), payer, SEPTEMBER)
    found = ingest(request, cache=out / "cache", progress=lambda *_: None).charges
    names = sorted(set(found.keys["account_id"]) - {payer})
    accounts = {name: CLIENTS[n % len(CLIENTS)] for n, name in enumerate(names)}
    clients = ", ".join(f"('{account}', '{client}')" for account, client in accounts.items())
    files = str(location / "data" / "*" / "*.parquet")
    with duckdb.connect() as sql:
        sql.execute(COVERED_ROWS.format(files=files, clients=clients))
        yield SandboxMonth(found, payer, accounts, lambda query: sql.execute(query).fetchall())


def costs(month: SandboxMonth, policy: CommitmentPolicy) -> dict[str, Decimal]:
    priced_by = book(cost_basis=CostBasis.AMORTIZED, commitments=CommitmentPolicies(policy))
    held = [owns(client, account) for account, client in month.accounts.items()]
    given = inputs(*held, books=[priced_by], internal=[month.payer])
    billed = bill(month.charges, replace(given, period=SEPTEMBER, payer_account_id=month.payer))
    return {each.client: each.cost for each in billed.statements}


def test_commitments_are_shared_in_this_month(month: SandboxMonth) -> None:
    """Else the figures below would be nothing on both sides."""
    ((crossed,),) = month.rows_of(
        "select count(distinct arn) from covered where client <> owner and benefit <> 0"
    )
    assert crossed >= 2


@pytest.mark.parametrize("benefit", CHANGES)
def test_a_policy_changes_what_plain_sql_says(month: SandboxMonth, benefit: Benefit) -> None:
    pool = "all" if benefit is Benefit.PRO_RATA else ""
    before = costs(month, CommitmentPolicy())
    after = costs(month, CommitmentPolicy(benefit, pool=pool, owner_first=False))

    theirs = dict(month.rows_of(CHANGES[benefit]))
    ours = {client: after[client] - before[client] for client in before}
    if benefit is Benefit.PRO_RATA:
        # The quotients of SQL have an end that ours have not: a unit of 1e-10 for each split.
        assert all(abs(float(ours[key]) - theirs[key]) < 1e-6 for key in ours)
        assert sum(ours.values()) == 0
    else:
        assert ours == {client: theirs.get(client, Decimal(0)) for client in before}
