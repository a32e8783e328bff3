"""Rendering: every format, the same bytes anywhere, nothing of cost or margin, nothing hostile."""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import pytest

from invoices.documents.invoice import Invoice, InvoiceLine
from invoices.render import FORMATS, render
from tests.support.bills.sample_documents import invoice, line, small_invoice
from tests.support.places import ROOT

DIGESTS = """
import hashlib
from invoices.render import FORMATS, render
from tests.support.bills.sample_documents import small_invoice
print([hashlib.sha256(render(small_invoice(), each)).hexdigest() for each in FORMATS])
"""


def test_the_formats_are_the_file_names_that_documents_are_exported_under() -> None:
    assert FORMATS == ("pdf", "csv", "xlsx", "json")


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(KeyError, match="docx"):
        render(small_invoice(), "docx")


def test_two_processes_with_other_hash_seeds_write_the_same_bytes() -> None:
    here = str([hashlib.sha256(render(small_invoice(), each)).hexdigest() for each in FORMATS])
    there = [
        subprocess.run(
            [sys.executable, "-c", DIGESTS],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed, zone in (("1", "Asia/Tokyo"), ("2", "America/Lima"))
    ]
    assert there == [here, here]


def test_threads_render_side_by_side() -> None:
    invoices = [invoice((line(100 + number),)) for number in range(24)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda each: render(each, "pdf"), invoices))
    assert together == [render(each, "pdf") for each in invoices]


@pytest.mark.parametrize("extension", FORMATS)
def test_an_invoice_without_lines_is_a_document(extension: str) -> None:
    assert render(invoice(()), extension)


def test_an_invoice_has_no_field_that_could_carry_cost_or_margin_into_a_document() -> None:
    names = {field.name for kind in (Invoice, InvoiceLine) for field in fields(kind)}
    assert not {name for name in names if "cost" in name or "margin" in name or "markup" in name}
