"""The table of `make mutants`: what counts as noticed, and what is a sentence and not counted."""

import ast

import pytest

from tests.support.mutants.score import Mutant, is_wording, table


def mutants(module: str, *, wording: int = 0, **by_status: int) -> list[Mutant]:
    statuses = [each.replace("_", " ") for each, count in by_status.items() for _ in range(count)]
    sentences = [Mutant("", module, "survived", is_wording=True)] * wording
    return [Mutant("", module, each, is_wording=False) for each in statuses] + sentences


def test_a_mutant_that_no_test_meets_or_that_never_ends_has_lived() -> None:
    text, is_enough = table(
        mutants("invoices.money", killed=19, survived=1, wording=3)
        + mutants("invoices.tax", killed=5, no_tests=1, timeout=2, not_checked=4)
    )

    assert text.splitlines()[2:] == [
        "| invoices.money | 19 | 1 | 0 | 3 | 95.0% |",
        "| invoices.tax | 5 | 3 | 4 | 0 | 62.5% |",
        "| all | 24 | 4 | 4 | 3 | 85.7% |",
    ]
    assert not is_enough


@pytest.mark.parametrize(("killed", "is_enough"), [(8, False), (9, True), (0, False)])
def test_nine_of_ten_are_enough_and_none_at_all_is_not(killed: int, is_enough: bool) -> None:
    assert table(mutants("invoices.money", killed=killed, survived=min(killed, 1)))[1] is is_enough


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ('f("no such client")', 'f("NO SUCH CLIENT")', True),
        ('f("no such client")', 'f("XXno such clientXX")', True),
        ('f("no such client")', "f(None)", False),
        ('f("client")', 'f("CLIENT")', False),  # A column, a code, a key.
        ('f("%d %B %Y")', 'f("%D %b %y")', False),  # The form of a date.
        ('f("no such client", 1)', 'f("NO SUCH CLIENT", 2)', False),
        ('f(a, "is not")', 'f(b, "IS NOT")', False),
        ('a < 1, "is not"', 'a <= 1, "IS NOT"', False),
        ('f(a, "is not")', 'f(a, "is not")', False),
    ],
)
def test_only_the_letters_of_a_sentence_are_its_wording(
    before: str, after: str, expected: bool
) -> None:
    assert is_wording(ast.parse(before), ast.parse(after)) is expected
