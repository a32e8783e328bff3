"""How a line came to its amount, for our own people: it shows cost, rules and margin."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from invoices.render import FORMATS
from kernel.errors import Unavailable
from service.api.access import SessionDep, StaffDep
from service.api.billing.invoices import InvoiceId, visible
from service.api.billing.schemas import LineExplanation, to_api_explanation

Explain = Callable[[int, str], dict[str, Any]]
"""The explanation of an invoice's line, by the invoice's id and the line's key.

Raises UnknownLine, DamagedSnapshot.
"""

router = APIRouter(tags=["invoices"])


class NoSnapshots(Unavailable):
    code = "no_snapshots"


@router.get("/invoices/{invoice_id}/explain/{line_key:path}", operation_id="explain_line")
def explain_line(
    request: Request,
    session: SessionDep,
    key: StaffDep,
    invoice_id: InvoiceId,
    line_key: Annotated[str, Path(max_length=500, examples=["custom/desk"])],
) -> LineExplanation:
    """The rule that won and those that lost, the arithmetic, and what the charges came from."""
    record = visible(session, key, invoice_id)
    explain: Explain | None = request.app.state.explain
    if explain is None:
        raise NoSnapshots(
            "this API has no snapshots to explain by: ask the one that has REBILL_HOME"
        )
    return to_api_explanation(record, FORMATS, explain(record.id, line_key))
