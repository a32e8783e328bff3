"""Owns the sandbox's money: whole units of 1e-10, and their double and their text."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]

DIGITS = 10
UNIT = 10**DIGITS
"""Units in one dollar (or in one of whatever a usage amount counts)."""

_DOUBLE_EXACT = 1 << 53
_SMALL = 10**4
"""Below this many units (1e-6) decimal text is scientific, as in Java: 1.28E-7."""


def units(text: str) -> int:
    """The whole units of decimal text; more than ten places are a mistake of ours."""
    scaled = Decimal(text).scaleb(DIGITS)
    assert scaled == int(scaled), f"{text} has more than {DIGITS} places"
    return int(scaled)


def plain(amount: int) -> str:
    """Plain decimal text of whole units: no exponent, no superfluous zero."""
    text = format(Decimal(amount).scaleb(-DIGITS), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def doubles(amounts: Ints) -> NDArray[np.float64]:
    """The doubles nearest to the exact amounts, so that their shortest form is the exact text.

    Holds for amounts of at most 15 significant digits, which `assert_writable` checks.
    """
    nearest: NDArray[np.float64] = amounts / UNIT
    large = np.abs(amounts) >= _DOUBLE_EXACT
    if large.any():
        nearest[large] = (amounts[large] // _SMALL) / (UNIT // _SMALL)
    return nearest


def assert_writable(amounts: Ints) -> None:
    """That a double can carry every amount to the last of its ten digits."""
    magnitudes = np.abs(amounts)
    for limit, step in ((10**15, 10), (10**16, 100), (10**17, 10**4), (10**19 // 2, 10**8)):
        wrong = magnitudes[(magnitudes >= limit) & (magnitudes % step != 0)]
        assert not wrong.size, f"{plain(int(wrong[0]))} has more digits than a double carries"


def texts(amounts: Ints) -> pl.Series:
    """Exact decimal text, in scientific notation below 1e-6, as AWS prints its BigDecimals."""
    magnitude = pl.Series("m", np.abs(amounts))
    small = pl.Series("s", _SMALL_TEXTS)[pl.Series(np.minimum(magnitude.to_numpy(), _SMALL - 1))]
    frame = pl.DataFrame({"a": amounts, "m": magnitude, "small": small})
    whole = (pl.col("m") // UNIT).cast(pl.String)
    fraction = (pl.col("m") % UNIT).cast(pl.String).str.zfill(DIGITS).str.strip_chars_end("0")
    large = (
        pl.when(fraction == "").then(whole).otherwise(pl.concat_str(whole, pl.lit("."), fraction))
    )
    unsigned = pl.when(pl.col("m") < _SMALL).then("small").otherwise(large)
    sign = pl.when(pl.col("a") < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return frame.select(pl.concat_str(sign, unsigned).alias("text"))["text"]


_SMALL_TEXTS = [str(Decimal(n).scaleb(-DIGITS).normalize()) for n in range(_SMALL)]
_SMALL_TEXTS[0] = "0"
