"""Owns exact amounts as integers: units of 1e-10, and the decimals that they stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

Units = npt.NDArray[Any]
"""Integers of 1e-10: int64, or Python's own where 64 bits might not hold their sum."""

DIGITS = 10
_TOTAL_LIMIT = 10**38


class SumTooLarge(ArithmeticError):
    """A sum has more than 28 digits before the point."""


def to_decimals(name: str, units: Units) -> pl.Series:
    """Units as Decimal(38,10), by writing the 128-bit integers that such a column consists of."""
    halves = np.empty((len(units), 2), np.uint64)
    if units.dtype == object:
        if len(units) and np.abs(units).max() >= _TOTAL_LIMIT:
            raise SumTooLarge(f"{name}: a sum has more than 28 digits before the point")
        halves[:, 0] = (units & ((1 << 64) - 1)).astype(np.uint64)
        halves[:, 1] = (units >> 64).astype(np.int64).view(np.uint64)
    else:
        halves[:, 0] = units.view(np.uint64)
        # Arrow's decimal128 is a two's complement integer: above a 64-bit number stands its sign.
        halves[:, 1] = (units >> 63).view(np.uint64)
    buffers = [None, pa.py_buffer(halves)]
    column = pa.Array.from_buffers(pa.decimal128(38, DIGITS), len(units), buffers)
    return pl.Series(name, column)


def to_units(decimals: pl.Series) -> Units:
    """Decimal(38,10) as units: Python's integers."""
    return np.array(decimals.to_physical().to_list(), dtype=object)
