"""What a reader sees of a PDF: its text as it is laid out, where a word stands, and the picture."""

from __future__ import annotations

from contextlib import closing

import pypdfium2

MM = 25.4 / 72
"""A point is 1/72 inch."""


def pages(data: bytes) -> list[str]:
    """The text of each page, a line for each line on paper."""
    with closing(pypdfium2.PdfDocument(data)) as document:
        return [page.get_textpage().get_text_range().replace("\r\n", "\n") for page in document]


def box_of(data: bytes, word: str) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the word on page 1, in millimetres from the top left."""
    with closing(pypdfium2.PdfDocument(data)) as document:
        page = document[0]
        text = page.get_textpage()
        found = text.search(word, match_case=True).get_next()
        assert found is not None, word
        boxes = [text.get_charbox(found[0] + at) for at in range(found[1])]
        left, right = min(box[0] for box in boxes), max(box[2] for box in boxes)
        bottom, top = min(box[1] for box in boxes), max(box[3] for box in boxes)
        height = page.get_height()
    return left * MM, (height - top) * MM, right * MM, (height - bottom) * MM


def picture(
    data: bytes,
    *,
    scale: float = 1,
    window: tuple[float, float, float, float] | None = None,
    page: int = 0,
) -> bytes:
    """The gray pixels of a page, `scale` to a point; of a window: left, top, width and height."""
    with closing(pypdfium2.PdfDocument(data)) as document:
        shown = document[page]
        crop = (0.0, 0.0, 0.0, 0.0)
        if window is not None:
            left, top, width, height = window
            below = shown.get_height() - top - height
            crop = (left, below, shown.get_width() - left - width, top)
        return bytes(shown.render(scale=scale, grayscale=True, crop=crop).buffer)
