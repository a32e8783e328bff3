"""Owns what an invoice number looks like; the store alone says which one is next."""


def invoice_number(prefix: str, ordinal: int) -> str:
    """`INV-` and 7 give `INV-000007`: six digits keep text order equal to order of issue."""
    assert ordinal > 0, "numbers start at 1"
    # Sequential and unique in its series is what the VAT Directive asks for (2006/112/EC, art. 226
    # no. 2).
    return f"{prefix}{ordinal:06}"
