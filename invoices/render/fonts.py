"""Owns which characters the shipped fonts can print, and what stands for those they cannot."""

from __future__ import annotations

import functools
import io
import unicodedata
from collections.abc import Iterator
from importlib.resources import files

import typst
from fontTools.ttLib import TTFont

from invoices.render.text import REPLACEMENT, legible

FOLDER = str(files("invoices.render") / "fonts")

_FIRST = ("Inter", "Noto Sans")
_LAST = ("Noto Sans Symbols", "Noto Sans Symbols2", "Noto Sans Math", "Noto Emoji")
_JOINERS = "\u200c\u200d\ufe0f"
_SKIN_TONES = frozenset(chr(code) for code in range(0x1F3FB, 0x1F400))


@functools.cache
def shipped() -> typst.Fonts:
    """The fonts of this package and no others: the same on every machine."""
    # A font of the system would change the bytes from machine to machine (DECISIONS 24).
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[FOLDER]
    )


@functools.cache
def families() -> tuple[str, ...]:
    """Font families in the order in which they are asked for a character."""
    scripts = sorted(set(shipped().families()) - {*_FIRST, *_LAST})
    return (*_FIRST, *scripts, *_LAST)


def printable(text: str) -> str:
    """The text as the PDF shows it: one line, no invisible controls, `\N{REPLACEMENT CHARACTER}`
    for what no shipped font has."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_drawn, _clusters(_normalised(text))))


def unprintable(text: str) -> str:
    """The distinct characters of `text` that no shipped font draws, in order of appearance."""
    clusters = _clusters(unicodedata.normalize("NFC", text.replace(REPLACEMENT, "")))
    lost = (cluster for cluster in clusters if REPLACEMENT in printable(cluster))
    return "".join(dict.fromkeys("".join(lost)))


def _normalised(text: str) -> str:
    """Composed, and without enclosing marks: a keycap would hide the digit that it encloses."""
    bare = (c for c in legible(text) if unicodedata.category(c) != "Me")
    return unicodedata.normalize("NFC", "".join(bare))


def _clusters(text: str) -> Iterator[str]:
    """A base with its marks, or characters that joiners tie: what one font must draw as a whole."""
    cluster = ""
    for character in text:
        if cluster and (_follows(character) or cluster[-1] == "\u200d"):
            cluster += character
        else:
            yield cluster
            cluster = character
    yield cluster


def _follows(character: str) -> bool:
    return (
        unicodedata.category(character).startswith("M")
        or character in _JOINERS
        or character in _SKIN_TONES
    )


@functools.lru_cache(maxsize=65536)
def _drawn(cluster: str) -> str:
    if not cluster or _fonts_with(cluster):
        return cluster
    kept = (c if _fonts_with(c) and not _follows(c) else REPLACEMENT for c in cluster)
    return "".join(kept)


def _fonts_with(cluster: str) -> bool:
    needed = {ord(c) for c in cluster if c not in _JOINERS}
    return any(needed <= covered(family) for family in families())


@functools.cache
def covered(family: str) -> frozenset[int]:
    """Code points that a family's regular font has glyphs for."""
    path = next(f.path for f in shipped().fonts() if f.family == family and f.weight == 400)
    assert path is not None, f"{family} is a file of this package"
    name = path.replace("\\", "/").rpartition("/")[2]
    data = files("invoices.render").joinpath("fonts", name).read_bytes()
    return frozenset(TTFont(io.BytesIO(data), lazy=True).getBestCmap())
