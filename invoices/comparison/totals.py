"""Owns what a document asks for in all, and the difference of two such totals."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from invoices.documents.invoice import Invoice
from invoices.money import EXACT, from_minor


@dataclass(frozen=True, slots=True)
class DocumentTotal:
    """What a document asks for, rounded, with tax."""

    total: Decimal
    currency: str

    @classmethod
    def of(cls, invoice: Invoice) -> DocumentTotal:
        return cls(from_minor(invoice.total_minor, invoice.currency), invoice.currency)


def difference(before: DocumentTotal | None, after: DocumentTotal | None) -> Decimal | None:
    """None where there is nothing to take a difference of, or it would mix two currencies."""
    if before is None or after is None or before.currency != after.currency:
        return None
    return EXACT.subtract(after.total, before.total)


__all__ = ["DocumentTotal", "difference"]
