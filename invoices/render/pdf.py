"""Owns the PDF: Typst lays it out as PDF/A-3a and PDF/UA-1, the same bytes for the same invoice."""

import functools
import io
import json
from datetime import UTC, datetime, time
from importlib.resources import files

import pikepdf
import typst

from invoices.documents.invoice import Invoice
from invoices.render import fonts
from invoices.render.page import page_of


def render_pdf(invoice: Invoice) -> bytes:
    """Raises typst.TypstError only when the template is broken: every text prints."""
    page = page_of(invoice) | {"fonts": fonts.families()}
    # A compiler serves one thread at a time; making one is cheap, the fonts are shared.
    laid_out = typst.Compiler(_template(), font_paths=fonts.shipped()).compile(
        format="pdf",
        sys_inputs={"invoice": json.dumps(page)},
        pdf_standards=["a-3a", "ua-1"],
        # Typst would write the clock's time: `tests/unit/render/test_pdf.py`,
        # `test_it_is_an_archive_file_with_tags_a_title_and_the_documents_date`.
        timestamp=datetime.combine(invoice.issued_on or invoice.period.end, time(), UTC),
    )
    assert isinstance(laid_out, bytes), "a PDF is one file"
    return _compacted(laid_out)


@functools.cache
def _template() -> bytes:
    return (files("invoices.render") / "typeset.typ").read_bytes()


def _compacted(laid_out: bytes) -> bytes:
    """A fifth of the size: Typst writes every tag as an object of its own, uncompressed."""
    compact = io.BytesIO()
    with pikepdf.open(io.BytesIO(laid_out)) as document:
        document.save(
            compact,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            # A PDF's identifier is by custom made of time and path (ISO 32000, "File identifiers");
            # this one is of the content: `tests/unit/render/test_formats.py`,
            # `test_two_processes_with_other_hash_seeds_write_the_same_bytes`.
            deterministic_id=True,
        )
    return compact.getvalue()
