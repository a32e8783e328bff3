"""Invoices and their documents; a key bound to a client sees that client's issued ones only."""

import base64
import hashlib
import re
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.exceptions import HTTPException

from invoices.periods import BillingPeriod
from invoices.render import FORMATS, render
from service.api import cursors
from service.api.access import KeyDep, SessionDep
from service.api.billing.schemas import (
    InvoiceDetail,
    InvoiceList,
    to_api_invoice,
    to_api_invoice_detail,
)
from service.store.access.keys import ApiKey
from service.store.billing import invoices
from service.store.billing.documents import DocumentFile
from service.store.billing.invoices import STANDING, UNISSUED, InvoiceRecord, UnknownInvoice
from service.store.session import Session
from service.store.tables.months import DraftState

router = APIRouter(tags=["invoices"])

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
assert set(MEDIA_TYPES) == set(FORMATS)

PERIOD = "^[12][0-9]{3}-(0[1-9]|1[0-2])$"
CLIENT_KEY = "^[a-z0-9][a-z0-9_.-]{0,63}$"

InvoiceId = Annotated[str, Path(max_length=40, pattern="^[0-9]+$", examples=["17"])]


@router.get("/invoices", operation_id="list_invoices")
def list_invoices(
    session: SessionDep,
    key: KeyDep,
    period: Annotated[str | None, Query(pattern=PERIOD)] = None,
    client: Annotated[str | None, Query(pattern=CLIENT_KEY)] = None,
    state: Annotated[DraftState | None, Query()] = None,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
    limit: Annotated[int, Query(ge=1)] = 100,
) -> InvoiceList:
    """In the order they were drafted; `limit` is at most 500."""
    filters = {"period": period, "client": client, "state": state, "key": key.client}
    size = min(limit, 500)
    found = invoices.invoices_of(
        session,
        BillingPeriod.parse(period) if period else None,
        client=key.client or client,
        states=_states(key, client, state),
        after=_after(cursor, filters) if cursor else 0,
        limit=size + 1,
    )
    shown, has_more = found[:size], len(found) > size
    return InvoiceList(
        items=[to_api_invoice(record, FORMATS) for record in shown],
        next_cursor=cursors.encode((str(shown[-1].id),), filters) if has_more else None,
        has_more=has_more,
    )


def _after(cursor: str, filters: dict[str, str | None]) -> int:
    """The id of the last invoice seen. Raises BadCursor."""
    position = cursors.decode(cursor, filters)
    if len(position) != 1 or not re.fullmatch("[0-9]{1,9}", position[0]):
        raise cursors.BadCursor
    return int(position[0])


def _states(key: ApiKey, client: str | None, wanted: DraftState | None) -> tuple[DraftState, ...]:
    """A client sees what is issued to it: nothing that is only planned, nothing of others."""
    visible = STANDING if key.client is None else (DraftState.ISSUED,)
    if key.client is not None and client not in {None, key.client}:
        return ()
    return tuple(state for state in visible if wanted in {None, state})


@router.get(
    "/invoices/{invoice_id}.{extension}",
    operation_id="get_invoice_document",
    response_class=Response,
    responses={
        200: {
            "description": "The document, byte for byte as it was issued; a draft as it stands, "
            "marked as such.",
            "content": {media_type.partition(";")[0]: {} for media_type in MEDIA_TYPES.values()},
        },
        304: {"description": "You have it already."},
    },
)
def get_invoice_document(
    request: Request,
    session: SessionDep,
    key: KeyDep,
    invoice_id: InvoiceId,
    extension: Annotated[str, Path(examples=["pdf"], json_schema_extra={"enum": [*FORMATS]})],
) -> Response:
    """Its ETag is the SHA-256 of its bytes; Repr-Digest lets a client prove what it archived."""
    record = visible(session, key, invoice_id)
    if extension not in FORMATS:
        raise HTTPException(406, f"There is no {extension!r}; there are {', '.join(FORMATS)}.")
    file = _file(session, record, extension)
    if file is None:
        raise HTTPException(404, "This invoice has no documents: it is not rendered yet, or none.")
    headers = _document_headers(record, extension, file)
    if not _is_meant(request, file.sha256):
        raise HTTPException(412, "This is another document than the one that If-Match names.")
    if _has_already(request, file.sha256):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=MEDIA_TYPES[extension], headers=headers)


def _file(session: Session, record: InvoiceRecord, extension: str) -> DocumentFile | None:
    """As it was rendered at issue; a draft now, each time: the same bytes while it is the same."""
    if record.state not in UNISSUED:
        return invoices.document_file(session, record.id, extension)
    content = render(invoices.document(session, record.id), extension)
    return DocumentFile(extension, content, hashlib.sha256(content).hexdigest())


def _is_meant(request: Request, sha256: str) -> bool:
    """By strong comparison, as RFC 9110, 13.1.1 has it: a weakened ETag never matches."""
    asked = ",".join(request.headers.getlist("If-Match")).strip()
    return asked in ("", "*") or f'"{sha256}"' in {each.strip() for each in asked.split(",")}


def _has_already(request: Request, sha256: str) -> bool:
    """By weak comparison, as RFC 9110, 13.1.2 has it: proxies that compress weaken an ETag."""
    asked = ",".join(request.headers.getlist("If-None-Match")).strip()
    tags = {each.strip().removeprefix("W/") for each in asked.split(",")}
    return asked == "*" or f'"{sha256}"' in tags


def _document_headers(record: InvoiceRecord, extension: str, file: DocumentFile) -> dict[str, str]:
    name = re.sub(r"[^A-Za-z0-9._-]", "-", record.number) or f"draft-{record.id}"
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    return {
        "ETag": f'"{file.sha256}"',
        "Repr-Digest": f"sha-256=:{digest}:",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'attachment; filename="{name}.{extension}"',
    }


@router.get("/invoices/{invoice_id}", operation_id="get_invoice")
def get_invoice(session: SessionDep, key: KeyDep, invoice_id: InvoiceId) -> InvoiceDetail:
    """One invoice with its document as JSON; other formats have the suffixes in `formats`."""
    record = visible(session, key, invoice_id)
    return to_api_invoice_detail(record, FORMATS, invoices.document(session, record.id))


def visible(session: Session, key: ApiKey, invoice_id: str) -> InvoiceRecord:
    """Raises UnknownInvoice, also for what this key must not know of."""
    if int(invoice_id) > 2**31 - 1:
        raise UnknownInvoice(invoice_id)
    record = invoices.invoice(session, int(invoice_id))
    if key.client is not None and (record.client, record.state) != (key.client, DraftState.ISSUED):
        raise UnknownInvoice(invoice_id)
    return record
