"""Documents as bytes: one pure function, one file per format, equal input to equal bytes."""

from collections.abc import Callable

from invoices.documents.invoice import Invoice
from invoices.render.csv import render_csv
from invoices.render.json import render_json
from invoices.render.pdf import render_pdf
from invoices.render.xlsx import render_xlsx

_RENDERERS: dict[str, Callable[[Invoice], bytes]] = {
    "pdf": render_pdf,
    "csv": render_csv,
    "xlsx": render_xlsx,
    "json": render_json,
}

FORMATS: tuple[str, ...] = tuple(_RENDERERS)
"""File name extensions, in the order in which documents are offered."""


def render(invoice: Invoice, extension: str) -> bytes:
    """The invoice in one of FORMATS; any other is an error of the caller's (KeyError)."""
    return _RENDERERS[extension](invoice)
