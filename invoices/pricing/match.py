"""Owns which rule of a price book prices a charge: the most specific, then the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from invoices.kinds import METERED, Kind
from invoices.matching import is_any, is_like, specificity
from invoices.money import plain
from invoices.pricing.book import FixedRate, Markup, PricingRule

MARKED_UP = frozenset(METERED) | {
    Kind.FEE,
    Kind.SUBSCRIPTION,
    Kind.REFUND,
    Kind.RI_FEE,
    Kind.RI_UPFRONT,
    Kind.SP_FEE,
    Kind.SP_UPFRONT,
    Kind.COMMITMENT_SHARE,
}
"""Kinds that a markup touches by itself."""

# A markup is on what we sell, and a unit price is for what is metered (DECISIONS 13):
# `tests/unit/invoices/test_pricing.py::test_tax_credits_and_discounts_are_marked_up_only_by_name`.
TOUCHED: Mapping[type[Markup] | type[FixedRate], frozenset[Kind]] = {
    Markup: MARKED_UP,
    FixedRate: frozenset(METERED),
}
"""What a rule without `kind` prices. Tax, credits and discounts passed on stay as AWS bills them,
and no unit price replaces a fee, unless a rule names their kind (`kind: tax`, `discount_*`)."""

NO_RULE = -1

Indices = npt.NDArray[np.int64]


def match_rules(keys: pl.DataFrame, books: Mapping[str, Sequence[PricingRule]]) -> list[int]:
    """For every row of `keys` (columns `book`, MATCHED, and ACCOUNT where a rule speaks of it) the
    index of the rule that prices it in its book, or NO_RULE.

    A savings plan's negation is matched as the covered usage that it cancels: they come in pairs.
    """
    tests = _Tests(keys)
    best = np.full(keys.height, NO_RULE)
    rows_of = keys.select("book").with_row_index("row").group_by("book").agg("row")
    for book, rows in rows_of.iter_rows():
        best[rows] = _best(books.get(book, ()), tests, np.array(rows))
    found: list[int] = best.tolist()
    return found


def _best(rules: Sequence[PricingRule], tests: _Tests, rows: Indices) -> Indices:
    best = np.full(len(rows), NO_RULE)
    for index in by_specificity(rules):
        hit = best == NO_RULE
        for passed in tests.of(rules[index], rows):
            hit &= passed
        best[hit] = index
    return best


def matching_rules(charge: Mapping[str, str], rules: Sequence[PricingRule]) -> tuple[int, ...]:
    """The indices of the rules that take a charge (MATCHED and ACCOUNT); the first prices it."""
    return tuple(
        index
        for index in by_specificity(rules)
        if _takes(rules[index], Kind(charge["kind"]))
        and all(
            is_like(charge[column], glob)
            for column, glob in rules[index].match.said.items()
            if column != "kind"
        )
    )


def by_specificity(rules: Sequence[PricingRule]) -> list[int]:
    """The indices of the rules, most specific first; of equally specific ones, the first first."""
    return sorted(range(len(rules)), key=lambda i: (*(-n for n in specificity(rules[i].match)), i))


class _Tests:
    """Globs against columns: each is tried once per distinct value, whatever the books."""

    def __init__(self, keys: pl.DataFrame) -> None:
        self._values = {c: keys[c].unique().sort() for c in keys.columns if c != "book"}
        self._codes = {
            column: keys[column].cast(pl.Enum(values)).to_physical().to_numpy()
            for column, values in self._values.items()
        }
        self._known: dict[tuple[object, ...], npt.NDArray[np.bool_]] = {}

    def of(self, rule: PricingRule, rows: Indices) -> Iterator[npt.NDArray[np.bool_]]:
        """For each column that the rule speaks of, which of the rows it takes."""
        kinds = self._known.get(("kind", rule.match.kind, type(rule.effect)))
        if kinds is None:
            kinds = np.array([_takes(rule, Kind(kind)) for kind in self._values["kind"]])
            self._known["kind", rule.match.kind, type(rule.effect)] = kinds
        yield kinds[self._codes["kind"][rows]]
        for column, glob in rule.match.said.items():
            if column != "kind":
                yield self._glob(column, glob)[self._codes[column][rows]]

    def _glob(self, column: str, glob: str) -> npt.NDArray[np.bool_]:
        known = self._known.get((column, glob))
        if known is None:
            known = np.array([is_like(value, glob) for value in self._values[column]])
            self._known[column, glob] = known
        return known


def _takes(rule: PricingRule, kind: Kind) -> bool:
    # A rule that took one of the pair and not the other would sell the usage twice, or give it
    # back: `tests/unit/invoices/test_pricing.py`,
    # `test_a_negation_gets_the_rule_of_the_usage_that_it_cancels`.
    kind = Kind.SP_USAGE if kind is Kind.SP_NEGATION else kind
    if is_any(rule.match.kind):
        return kind in TOUCHED[type(rule.effect)]
    return is_like(kind.value, rule.match.kind)


def described(rule: PricingRule) -> str:
    """A rule without a label in words: `service=AmazonEC2 region=eu-*: +7.5 %`."""
    where = " ".join(f"{column}={glob}" for column, glob in rule.match.said.items())
    match rule.effect:
        case Markup(percent):
            effect = f"{'' if percent < 0 else '+'}{plain(percent)} %"
        case FixedRate(rate):
            effect = f"{plain(rate)} a unit"
    return f"{where or 'everything'}: {effect}"
