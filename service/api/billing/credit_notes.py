"""Credit notes, proposed over HTTP; approved, issued and read as any invoice."""

from decimal import Decimal
from typing import Annotated, Literal, get_args

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import Field

from invoices.documents.correction import CreditRefused
from invoices.documents.invoice import BY_HAND
from invoices.render import FORMATS
from service.actions.billing.credit_invoice import TEXT_MAX, credit_invoice
from service.api.access import BillerDep, NowDep, SessionDep, actor_of
from service.api.accounts.onboarding_schemas import In
from service.api.billing.invoices import InvoiceId
from service.api.billing.schemas import InvoiceItem, to_api_invoice
from service.api.idempotency import BillingOnceDep
from service.store.billing.invoices import UnknownInvoice

router = APIRouter(tags=["invoices"])


Reason = Literal[
    "billing_error",
    "cancellation",
    "dispute",
    "goodwill",
    "service_level",
    "wrong_recipient",
    "other",
]
assert get_args(Reason) == tuple(BY_HAND)


class CreditLine(In):
    key: str = Field(min_length=1, max_length=400, description="As in the invoice's `lines`.")
    amount: Annotated[str, Field(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,4})?$")] | None = Field(
        default=None, description="Before tax; without it all that is left of the line."
    )


class CreditRequest(In):
    lines: list[CreditLine] | None = Field(
        default=None, min_length=1, max_length=5000, description="Without it, all that is left."
    )
    reason: Reason = Field(description="`other` needs a text.", examples=["goodwill"])
    text: str = Field(default="", max_length=TEXT_MAX, description="Printed.")
    bill_again: bool = Field(
        default=False, strict=True, description="The month's next billing asks for it anew."
    )


@router.post(
    "/invoices/{invoice_id}/credit-notes",
    operation_id="propose_credit_note",
    status_code=202,
    responses={202: {"model": InvoiceItem, "description": "Proposed: it waits for approval."}},
)
def propose(
    session: SessionDep,
    key: BillerDep,
    now: NowDep,
    once: BillingOnceDep,
    invoice_id: InvoiceId,
    asked: CreditRequest,
) -> JSONResponse:
    """Of an issued invoice, or of some of its lines. Needs an Idempotency-Key."""
    if int(invoice_id) > 2**31 - 1:
        raise UnknownInvoice(invoice_id)

    def perform() -> InvoiceItem:
        record = credit_invoice(
            session,
            int(invoice_id),
            lines=_lines(asked),
            reason=asked.reason,
            text=asked.text,
            bills_again=asked.bill_again,
            actor=actor_of(key),
            now=now,
        )
        return to_api_invoice(record, FORMATS)

    return once.answer(asked, perform, location=lambda made: f"/v1/invoices/{made.id}")


def _lines(asked: CreditRequest) -> dict[str, Decimal | None] | None:
    if asked.lines is None:
        return None
    found = {each.key: Decimal(each.amount) if each.amount else None for each in asked.lines}
    if len(found) != len(asked.lines):
        raise CreditRefused("a line is named twice")
    return found
