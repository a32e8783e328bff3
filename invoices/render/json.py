"""Owns the JSON rendering: the frozen document itself, in its canonical spelling."""

from invoices.documents.document import canonical_bytes, to_document
from invoices.documents.invoice import Invoice


def render_json(invoice: Invoice) -> bytes:
    """Sorted keys, UTF-8; without its final newline, its SHA-256 is the content id.

    A draft is none yet, and says `draft`: an empty number is easily overlooked.
    """
    shown = to_document(invoice) | ({} if invoice.number else {"draft": True})
    return canonical_bytes(shown) + b"\n"
