"""The command of the month so far: what each client has cost, as Cost Explorer tells it."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from invoices.clients import AccountId, Roster
from invoices.money import exact_sum, plain
from invoices.periods import BillingPeriod
from jobs.environment import Environment
from jobs.estimates import Estimate, StoredAnswers, cost_explorer, month_to_date
from kernel.errors import BadInput
from service.cli import output
from service.cli.opening import opened
from service.cli.options import AsJson, MaybePeriod, Payer
from service.cli.tables import print_table
from service.store.billing import clients, sellers

METRIC = "NetUnblendedCost"
"""What AWS will invoice, as far as it knows."""


def estimate(period: MaybePeriod = None, payer: Payer = None, as_json: AsJson = False) -> None:
    """Month to date per client, before any export exists; AWS is asked once in six hours."""
    with opened() as environment:
        month = period or BillingPeriod.of(environment.now().date())
        account = _configured_payer(environment, payer)
        shown = estimate_json(environment, account, month)
    if as_json:
        output.print_json(shown)
        return
    rows = [(each["client"], each["cost"]) for each in shown["clients"]]
    rows += [("internal accounts", shown["internal_accounts"])]
    rows += [("unassigned", shown["unassigned"]), ("payer total", shown["payer_total"])]
    print_table(f"{month}: so far, as of {shown['asked_at']}", ("client", "cost>"), rows)


def _configured_payer(environment: Environment, payer: str | None) -> AccountId:
    with environment.database.transaction() as session:
        if payer is not None:
            return sellers.payer_account(session, payer).account_id
        found = [each.account_id for each in sellers.payer_accounts(session)]
    if len(found) != 1:
        known = ", ".join(found) or "none is configured"
        raise BadInput(f"name a payer with --payer: {known}")
    return found[0]


def estimate_json(
    environment: Environment, payer: AccountId, period: BillingPeriod
) -> dict[str, Any]:
    """Per client, exact as AWS wrote it; accounts are those of the month's latest day."""
    with environment.database.transaction() as session:
        roster = clients.roster(session)
        internal = sellers.payer_account(session, payer).internal_accounts
    found = month_to_date(
        period,
        answers=StoredAnswers(environment.database, payer, period),
        ask=cost_explorer(),
        now=environment.now(),
    )
    costs = _by_client(found, roster, internal, period)
    nothing = Decimal(0)
    return {
        "period": str(period),
        "payer_account_id": payer,
        "currency": found.currency,
        "metric": METRIC,
        "asked_at": found.asked_at.isoformat(),
        "estimated": found.estimated,
        "payer_total": plain(exact_sum(costs.values())),
        "clients": [
            {"client": client, "cost": plain(costs[client])}
            for client in sorted(costs.keys() - {_INTERNAL, _UNASSIGNED})
        ],
        "internal_accounts": plain(costs.get(_INTERNAL, nothing)),
        "unassigned": plain(costs.get(_UNASSIGNED, nothing)),
    }


_INTERNAL, _UNASSIGNED = "(internal)", "(unassigned)"
"""No client's key has parentheses."""


def _by_client(
    found: Estimate, roster: Roster, internal: Iterable[AccountId], period: BillingPeriod
) -> dict[str, Decimal]:
    """Cost Explorer was asked by account, so an account that moved counts where it is last."""
    whose = dict.fromkeys(internal, _INTERNAL)
    for assignment in roster.assignments:
        if assignment.span.overlaps(period.days):
            whose[assignment.account_id] = assignment.client
    costs: dict[str, list[Decimal]] = {}
    for cost in found.costs:
        client = whose.get(cost.account_id, _UNASSIGNED)
        costs.setdefault(client, []).append(cost.amounts.get(METRIC, Decimal(0)))
    return {client: exact_sum(amounts) for client, amounts in costs.items()}
