"""The command that says what a configuration file would change, in money, before it is applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from invoices.comparison import ClientChange, PartChange
from invoices.money import exact_sum, plain
from jobs.plan import PlannedMonth
from jobs.plan import plan as make_plan
from service.cli import output
from service.cli.billing.invoices import signed, total_json, total_words
from service.cli.billing.proofs import print_findings, stop_at_critical
from service.cli.opening import opened
from service.cli.options import AsJson, MaybePeriod, Payer
from service.cli.system.configuration import File, Prune, read_file
from service.cli.tables import print_table


def plan(
    file: File,
    period: MaybePeriod = None,
    payer: Payer = None,
    prune: Prune = False,
    as_json: AsJson = False,
) -> None:
    """Say whose money a configuration file would change, in which month, and change nothing."""
    configuration = read_file(file)
    with opened() as environment:
        made = make_plan(
            environment.database,
            environment.snapshots,
            configuration,
            now=environment.now(),
            period=period,
            payer=payer,
            prune=prune,
        )
    if as_json:
        output.print_json(
            {"changes": [*map(asdict, made.changes)], "months": [*map(_month_json, made.months)]}
        )
    else:
        for change in made.changes:
            output.say(str(change))
        for month in made.months:
            _print_month(month)
        if not made.changes:
            output.say("nothing changes")
    findings = [each for month in made.months for each in month.findings]
    print_findings(findings)
    stop_at_critical(findings)


def _print_month(month: PlannedMonth) -> None:
    differing = [each for each in month.clients if not each.is_none]
    title = f"{month.period}, payer {month.payer_account_id}: invoice totals"
    if month.is_issued:
        title += "; it is issued and stays so: this is what a month like it would come to"
    rows = [
        (each.client, total_words(each.before), total_words(each.after), signed(each.difference))
        for each in differing
    ]
    print_table(
        title, ("client", "now>", "planned>", "difference>"), [*rows, *_sums(month.clients)]
    )
    for each in differing:
        for part in each.parts:
            output.say(f"{each.client}: {_part_words(part)}")


def _sums(clients: Iterable[ClientChange]) -> list[tuple[str, ...]]:
    """Of all clients, those that stay as they are as well."""
    pairs = [(each.before, each.after) for each in clients]
    rows = []
    for currency in sorted({a.currency for pair in pairs for a in pair if a is not None}):
        before, after = (
            exact_sum(a.total for a in side if a is not None and a.currency == currency)
            for side in zip(*pairs, strict=True)
        )
        words = (f"{amount:,} {currency}" for amount in (before, after))
        rows.append(("all clients", *words, signed(after - before)))
    return rows


def _part_words(part: PartChange) -> str:
    return f"{part.part}: {plain(part.before)} to {plain(part.after)} {part.currency} before tax"


def _month_json(month: PlannedMonth) -> dict[str, Any]:
    return {
        "payer_account_id": month.payer_account_id,
        "period": str(month.period),
        "is_issued": month.is_issued,
        "clients": [*map(_client_json, month.clients)],
        "findings": [asdict(each) for each in month.findings],
    }


def _client_json(change: ClientChange) -> dict[str, Any]:
    return {
        "client": change.client,
        "before": total_json(change.before),
        "after": total_json(change.after),
        "difference": None if change.difference is None else str(change.difference),
        "parts": [
            {
                "part": each.part,
                "currency": each.currency,
                "before": plain(each.before),
                "after": plain(each.after),
            }
            for each in change.parts
        ],
    }
