"""The worked examples of the core's READMEs are run as they stand."""

import re

import pytest

from tests.support.places import ROOT

CORE = ROOT / "invoices"
READMES = ["README.md", "allocation/README.md", "pricing/README.md", "documents/README.md"]


@pytest.mark.parametrize("readme", READMES)
def test_the_worked_example_is_true(readme: str) -> None:
    examples = re.findall(r"```python\n(.*?)```", (CORE / readme).read_text(), re.DOTALL)

    assert examples
    for example in examples:
        exec(compile(example, readme, "exec"), {})
