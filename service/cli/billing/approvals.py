"""The commands of approvals: give them to drafts, take them back."""

from kernel.errors import BadInput
from service.actions.billing.approve_drafts import approve_drafts
from service.actions.billing.withdraw_approval import withdraw_approval
from service.cli import output
from service.cli.billing.invoices import invoice_json, print_invoices
from service.cli.installation import ACTOR, open_installation
from service.cli.options import AsJson, ForClient, Payer, Period
from service.store.billing import invoices
from service.store.tables.months import DraftState


def approve(
    period: Period, client: ForClient = None, payer: Payer = None, as_json: AsJson = False
) -> None:
    """Say that the month's drafts may be issued as they are."""
    with open_installation() as installation, installation.database.transaction() as session:
        approved = approve_drafts(
            session,
            period,
            payer_account_id=payer,
            client=client,
            actor=ACTOR,
            now=installation.now(),
        )
        standing = invoices.invoices_of(session, period, payer_account_id=payer, client=client)
    if not standing:
        raise BadInput(f"there is nothing to approve for {period}: bill the month first")
    if as_json:
        output.print_json({"approved": [invoice_json(record) for record in approved]})
    else:
        print_invoices(f"{period}: {len(approved)} approved", standing)


def withdraw(
    period: Period, client: ForClient = None, payer: Payer = None, as_json: AsJson = False
) -> None:
    """Take approvals back, so that the month can be billed anew."""
    with open_installation() as installation, installation.database.transaction() as session:
        approved = invoices.invoices_of(
            session,
            period,
            payer_account_id=payer,
            client=client,
            states=(DraftState.APPROVED,),
        )
        if not approved:
            raise BadInput(f"there is no approval of {period} to withdraw")
        for record in approved:
            withdraw_approval(session, record.id, actor=ACTOR, now=installation.now())
    if as_json:
        output.print_json({"withdrawn": [record.client for record in approved]})
    else:
        output.say(f"{len(approved)} approvals of {period} withdrawn")
