"""Golden documents: a change that alters a figure or a column shows as a diff of these files.

`python -m tests.golden.test_golden_documents` writes them anew; read the diff before committing it.
"""

import json
from dataclasses import replace
from pathlib import Path

from invoices.render import render
from tests.support.bills.sample_documents import small_invoice

HERE = Path(__file__).parent
README = HERE.parents[1] / "invoices" / "render" / "README.md"


def goldens() -> dict[str, str]:
    document = json.loads(render(small_invoice(), "json"))
    return {
        "small_invoice.csv": render(small_invoice(), "csv").decode("utf-8-sig"),
        "small_invoice.json": json.dumps(document, indent=2, ensure_ascii=False) + "\n",
    }


def test_the_documents_are_as_they_were_reviewed() -> None:
    for name, text in goldens().items():
        assert (HERE / name).read_bytes().decode() == text


def test_the_json_is_one_canonical_line() -> None:
    data = render(small_invoice(), "json")
    document = json.loads(data)
    spelled = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert data == spelled.encode() + b"\n"


def test_a_draft_says_in_its_json_that_it_is_one() -> None:
    """An issued document has no such field: those of before stay what they are, byte for byte."""
    draft = json.loads(render(replace(small_invoice(), number=""), "json"))

    assert draft["draft"] is True
    assert "draft" not in json.loads(render(small_invoice(), "json"))


def test_the_worked_example_of_the_readme_is_the_golden_file() -> None:
    rows = goldens()["small_invoice.csv"].replace("\r\n", "\n")
    assert rows in README.read_text(encoding="utf-8")


if __name__ == "__main__":
    for golden, text in goldens().items():
        (HERE / golden).write_bytes(text.encode())
