"""Two ways to bill a month beside each other: by rule before it is so, by line once it was."""

from invoices.comparison.causes import Billed, Inputs, Pair
from invoices.comparison.lines import ClientDifference, LineChange, client_differences
from invoices.comparison.months import ClientChange, MarginChange, PartChange, compare
from invoices.comparison.totals import DocumentTotal, difference

__all__ = [
    "Billed",
    "ClientChange",
    "ClientDifference",
    "DocumentTotal",
    "Inputs",
    "LineChange",
    "MarginChange",
    "Pair",
    "PartChange",
    "client_differences",
    "compare",
    "difference",
]
