"""The command that says what a configuration file would change, in money, before it is applied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from invoices.comparison.months import ClientChange, MarginChange, PartChange
from invoices.money import EXACT, exact_sum, plain
from jobs.plan import PlannedMonth
from jobs.plan import plan as make_plan
from kernel.errors import BadInput
from service.cli import output
from service.cli.billing.invoices import signed, total_json, total_words
from service.cli.billing.proofs import print_findings, stop_at_critical
from service.cli.opening import opened
from service.cli.options import AsJson, MaybePeriod, Payer, Since
from service.cli.system.configuration import File, Prune, read_file
from service.cli.tables import print_table


def plan(
    file: File,
    period: MaybePeriod = None,
    since: Since = None,
    payer: Payer = None,
    prune: Prune = False,
    as_json: AsJson = False,
) -> None:
    """Say whose money a configuration file would change, in which month, and change nothing."""
    if period is not None and since is not None:
        raise BadInput("--period is one month, and --since is from one on: say one of them")
    with read_file(file) as configuration, opened() as environment:
        made = make_plan(
            environment.database,
            environment.snapshots,
            configuration,
            now=environment.now(),
            period=period,
            since=since,
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
        _print_margins(made.months)
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


def _print_margins(months: Iterable[PlannedMonth]) -> None:
    """Of all these months together, now and planned."""
    every = [(each, change) for month in months for each, change in _margins(month)]
    rows = [
        (client, *_margin_words(each for key, each in every if key == (client, currency)), currency)
        for client, currency in sorted({key for key, _ in every})
    ]
    for currency in sorted({currency for (_, currency), _ in every}):
        of_all = (each for (_, its), each in every if its == currency)
        rows.append(("all clients", *_margin_words(of_all), currency))
    columns = ("client", "price now>", "planned>", "cost now>", "planned>", "margin now>",
               "planned>", "currency")  # fmt: skip
    print_table("price, cost and margin, before tax", columns, rows)


def _margins(month: PlannedMonth) -> Iterator[tuple[tuple[str, str], MarginChange]]:
    for client in month.clients:
        for each in client.margins:
            yield (client.client, each.currency), each


def _margin_words(changes: Iterable[MarginChange]) -> tuple[str, ...]:
    sides = [(each.before, each.after) for each in changes]
    price = [exact_sum(side.price for side in column) for column in zip(*sides, strict=True)]
    cost = [exact_sum(side.cost for side in column) for column in zip(*sides, strict=True)]
    margin = [EXACT.subtract(*pair) for pair in zip(price, cost, strict=True)]
    return tuple(f"{each:,.2f}" for each in (*price, *cost, *margin))


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
        "margins": [*map(_margin_json, change.margins)],
    }


def _margin_json(change: MarginChange) -> dict[str, Any]:
    sides = {"before": change.before, "after": change.after}
    return {"currency": change.currency} | {
        name: {
            "price": plain(side.price),
            "cost": plain(side.cost),
            "margin": plain(EXACT.subtract(side.price, side.cost)),
        }
        for name, side in sides.items()
    }
