"""The command of credit notes: proposed by hand, for approval and issue as any draft."""

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from invoices.documents.invoice import BY_HAND, DocumentType
from kernel.errors import BadInput
from service.actions.billing.credit_invoice import bill_again as asked_again
from service.actions.billing.credit_invoice import credit_invoice, discard_credits
from service.cli import output
from service.cli.billing.invoices import invoice_json, print_invoices
from service.cli.installation import ACTOR, open_installation
from service.cli.options import AsJson
from service.store.billing import invoices
from service.store.session import Session
from service.store.tables.months import DraftState


def credit(
    invoice: Annotated[str, typer.Argument(metavar="INVOICE", help="Its number, or its id.")],
    keys: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY]...", help="More of --lines.")
    ] = None,
    lines: Annotated[
        list[str] | None,
        typer.Option(
            "--lines",
            metavar="KEY[=AMOUNT]",
            help="These lines, whole or an amount before tax of each; without it, all.",
        ),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="CODE", help=f"One of {', '.join(BY_HAND)}.")
    ] = "",
    text: Annotated[str, typer.Option("--text", help="Why, in words; they are printed.")] = "",
    bill_again: Annotated[
        bool,
        typer.Option("--bill-again", help="The month's next billing asks for it anew."),
    ] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="Take back what was proposed and nobody approved.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Propose a credit note about an issued invoice, whole or of some lines, for approval."""
    wanted = [*(lines or ()), *(keys or ())]
    if not discard and not reason and not bill_again:
        raise BadInput(f"--reason: say why; one of {', '.join(BY_HAND)}")
    if discard and (wanted or reason or text or bill_again):
        raise BadInput("--discard takes back whatever is proposed about the invoice: nothing else")
    with open_installation() as installation, installation.database.transaction() as session:
        if discard:
            found = discard_credits(session, invoice, actor=ACTOR, now=installation.now())
        elif bill_again and _is_note(session, invoice):
            now = installation.now()
            found = (asked_again(session, invoice, reason=reason, actor=ACTOR, now=now),)
        else:
            known = invoices.line_keys(session, invoice)
            proposed = credit_invoice(
                session,
                invoice,
                lines={**dict(_line(each, known) for each in wanted)} if wanted else None,
                reason=reason,
                text=text,
                bills_again=bill_again,
                actor=ACTOR,
                now=installation.now(),
            )
            found = (proposed,)
    is_again = not discard and found[0].state == DraftState.ISSUED
    if as_json:
        key = "discarded" if discard else "bills_again" if is_again else "proposed"
        output.print_json({key: [invoice_json(record) for record in found]})
        return
    what = "discarded" if discard else "proposed: approve and issue its period"
    if is_again:
        what = "bill the period, which asks for it again"
    print_invoices(f"{found[0].period}: {what}", found)


def _is_note(session: Session, which: str) -> bool:
    found = invoices.invoice_called(session, which)
    return found.document_type == DocumentType.CREDIT_NOTE


def _line(text: str, known: frozenset[str]) -> tuple[str, Decimal | None]:
    """A key may have an equals sign of its own."""
    key, equals, amount = text.rpartition("=")
    if text in known or not equals:
        return text, None
    try:
        return key, Decimal(amount)
    except InvalidOperation as error:
        raise BadInput(f"--lines {text!r}: {amount!r} is no amount") from error
