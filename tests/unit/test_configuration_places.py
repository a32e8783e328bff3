"""A problem of a configuration file is told with the line on which its setting is written."""

import pytest

from service.configuration.places import with_lines

FILE = """seller:
  name: Example
clients:
  - key: acme
    price_book: standard
  - key: bell
    accounts:
      - {id: "111111111111", from: 2026-01-01}
payers:
  - account_id: "222222222222"
"""


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        ("seller.name: too long", ":2: seller.name: too long"),
        ("clients[1].accounts[0].id: no id", ":8: clients[1].accounts[0].id: no id"),
        ("clients.acme.price_book: there is none", ":5: clients.acme.price_book: there is none"),
        ("clients.bell: unknown", ":6: clients.bell: unknown"),
        ("payers: 222222222222 has no seller", ":9: payers: 222222222222 has no seller"),
        ("seller.tax_id: is required", ":1: seller.tax_id: is required"),
        ("shared_costs.x: not in this file", ": shared_costs.x: not in this file"),
        ("the file: is empty", ": the file: is empty"),
    ],
)
def test_as_far_as_the_file_has_the_path(problem: str, told: str) -> None:
    assert with_lines(FILE, [problem]) == [told]


def test_what_is_no_yaml_has_the_lines_of_its_reader() -> None:
    assert with_lines("a: [", ["while parsing, line 1"]) == [": while parsing, line 1"]
