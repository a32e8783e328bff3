"""The command that compares two billings of a month, or a billing with what is issued."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Annotated, Any

import typer

from invoices.clients import AccountId
from invoices.comparison.lines import ClientDifference, LineChange
from kernel.errors import Refused
from service.cli import output
from service.cli.billing import outcomes
from service.cli.billing.invoices import signed, total_json, total_words
from service.cli.billing.outcomes import PayerOutcome
from service.cli.billing.payers import each_payer, payers_to_prove
from service.cli.installation import open_installation
from service.cli.options import AsJson, ForClient, Payer, Period
from service.cli.tables import print_table
from service.store.archive.billings import STANDING, Billing, MonthDifference, month_difference


def diff(
    period: Period,
    client: ForClient = None,
    payer: Payer = None,
    before: Annotated[
        int | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="A billing run; else what is issued or approved, or the billing before.",
        ),
    ] = None,
    after: Annotated[
        int | None, typer.Option("--to", metavar="RUN", help="A billing run; else the last.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What two billings of a month differ in, by client and line, with the cause of each."""
    with open_installation() as installation:
        database = installation.database

        def compare_one(each: AccountId) -> MonthDifference:
            with database.transaction() as session:
                return month_difference(session, each, period, before=before, after=after)

        payers = [payer] if payer is not None else payers_to_prove(database, period)
        results = each_payer(payers, compare_one)
    found = [each for each in results.values() if isinstance(each, MonthDifference)]
    told = outcomes.in_order(map(_told, results, results.values()))
    if as_json:
        output.print_json(
            {"period": str(period), "payers": [_month_json(each, client) for each in found]}
        )
    else:
        for month in found:
            _print_month(month, client)
        outcomes.print_outcomes(period, told)
    outcomes.complain_of_refused(told)
    outcomes.exit_by_the_worst(told)


def _told(payer: AccountId, result: MonthDifference | Refused) -> PayerOutcome:
    if isinstance(result, Refused):
        return outcomes.refused(payer, result)
    return PayerOutcome(payer, "compared", f"{len(result.clients)} clients differ")


def _of(month: MonthDifference, client: str | None) -> list[ClientDifference]:
    return [each for each in month.clients if client in (None, each.client)]


def _print_month(month: MonthDifference, client: str | None) -> None:
    where = f"{month.period}, payer {month.payer_account_id}"
    if not month.before:
        output.say(f"{where}: billed once; there is nothing to compare with yet")
        return
    shown = _of(month, client)
    before = "what stood before" if month.before == STANDING else f"run {month.before}"
    rows = [
        (
            each.client,
            total_words(each.before),
            total_words(each.after),
            signed(each.difference),
            ", ".join(each.causes),
        )
        for each in shown
    ]
    sums = [
        ("all clients", f"{old:,} {currency}", f"{new:,} {currency}", signed(new - old), "")
        for currency, (old, new) in month.totals.items()
    ]
    columns = ("client", "before>", "after>", "difference>", "because of")
    print_table(f"{where}: {before}, and run {month.after}", columns, [*rows, *sums])
    for each in shown:
        _print_lines(each)
    for parked in month.parked:
        output.say(f"{parked}: parked, and so not compared, nor in the sums")
    kept = ", ".join(f"{each.run_id} ({_at(each)})" for each in month.kept)
    output.say(f"billings that can be compared, latest first: {kept}")


def _at(billing: Billing) -> str:
    return f"{billing.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _print_lines(client: ClientDifference) -> None:
    rows = [
        (
            each.account_id,
            each.service,
            each.description,
            _amount(each.before),
            _amount(each.after),
            signed(each.difference),
            f"{', '.join(each.causes)}{_rules(each)}",
        )
        for each in client.lines
    ]
    if client.tax_before != client.tax_after:
        before, after = client.tax_before, client.tax_after
        change = signed(after - before) if client.difference is not None else ""
        rows.append(("", "", "tax", _amount(before), _amount(after), change, ""))
    columns = ("account", "service", "line", "before>", "after>", "difference>", "because of")
    print_table(f"{client.client}: lines", columns, rows)


def _amount(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:,}"


def _rules(line: LineChange) -> str:
    if line.rules_before == line.rules_after or not (line.rules_before and line.rules_after):
        return ""
    return f" ({'; '.join(line.rules_before)} to {'; '.join(line.rules_after)})"


def _month_json(month: MonthDifference, client: str | None) -> dict[str, Any]:
    return {
        "payer_account_id": month.payer_account_id,
        "before": month.before or None,
        "after": str(month.after),
        "clients": [_client_json(each) for each in _of(month, client)],
        "parked": list(month.parked),
        "totals": [
            {
                "currency": currency,
                "before": str(old),
                "after": str(new),
                "difference": str(new - old),
            }
            for currency, (old, new) in month.totals.items()
        ],
        "billings": [
            {"run": each.run_id, "at": each.at.isoformat(), "inputs_id": each.inputs_id}
            for each in month.kept
        ],
    }


def _client_json(client: ClientDifference) -> dict[str, Any]:
    return {
        "client": client.client,
        "before": total_json(client.before),
        "after": total_json(client.after),
        "difference": None if client.difference is None else str(client.difference),
        "tax_before": str(client.tax_before),
        "tax_after": str(client.tax_after),
        "causes": list(client.causes),
        "lines": [_line_json(each) for each in client.lines],
    }


def _line_json(line: LineChange) -> dict[str, Any]:
    return {
        "key": line.key,
        "account_id": line.account_id,
        "service": line.service,
        "description": line.description,
        "before": None if line.before is None else str(line.before),
        "after": None if line.after is None else str(line.after),
        "difference": None if line.difference is None else str(line.difference),
        "causes": list(line.causes),
        "rules_before": list(line.rules_before),
        "rules_after": list(line.rules_after),
    }
