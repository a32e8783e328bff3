"""Owns how a month's proof and its findings look on a terminal."""

from collections.abc import Sequence

import typer

from invoices.balances import Balance
from invoices.control_totals import ControlTotal
from invoices.documents.carry_forward import CarriedBalance
from invoices.money import plain
from invoices.reconciliation import Reconciliation
from kernel.findings import Finding, Severity
from service.cli import output
from service.cli.application import EXIT_FINDING
from service.cli.tables import print_table


def print_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        who = f" [{finding.client}]" if finding.client else ""
        output.note(
            f"{finding.severity}: {finding.code}{who} at {finding.where}: {finding.message}"
        )


def stop_at_critical(findings: Sequence[Finding]) -> None:
    if any(finding.severity is Severity.CRITICAL for finding in findings):
        raise typer.Exit(EXIT_FINDING)


def print_reconciliation(proof: Reconciliation) -> None:
    """The payer's bill on the left of the equals sign, everybody who bears it on the right."""
    for balance in proof.balances:
        _print_balance(f"{proof.period}: payer {proof.payer_account_id}", balance)
    if proof.control_totals:
        columns = ("AWS says", "of", "theirs>", "ours>", "difference>")
        print_table("Control totals", columns, [_control_row(t) for t in proof.control_totals])
    for file in proof.control_files:
        if not file.counts:
            said = "differed from" if file.differing else "agreed with"
            output.say(f"{file.words} {said} an earlier delivery, or a later file took its place")
    if proof.carried_forward:
        head = ("client", "carried forward>", "taken off", "open>")
        print_table(
            "Balances, before tax", head, [_carried_row(each) for each in proof.carried_forward]
        )
    output.say(proof.verdict)


def _print_balance(title: str, balance: Balance) -> None:
    total = balance.total
    rows = [(f"client {client}", plain(cost)) for client, cost in balance.costs.items()]
    rows += [(f"retained: {reason}", plain(amount)) for reason, amount in total.retained.items()]
    rows += [("unassigned", plain(total.unassigned)), ("rounding", plain(balance.rounding))]
    rows += [("payer total", plain(total.payer_total)), ("difference", plain(balance.difference))]
    print_table(title, ("who bears it", f"{total.currency or 'no currency'}>"), rows)


def _carried_row(balance: CarriedBalance) -> tuple[str, ...]:
    shown = balance.to_json()
    taken = [f"{t['net']} by {t['number'] or 'the draft'} of {t['period']}" for t in shown["taken"]]
    net, left = (f"{shown[each]} {balance.currency}" for each in ("net", "open"))
    return (balance.client, net, "; ".join(taken), left)


def _control_row(total: ControlTotal) -> tuple[str, ...]:
    figures = (total.theirs, total.ours, total.difference)
    return (total.source, total.what, *map(plain, figures))
