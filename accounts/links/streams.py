"""Owns putting several files of one format together, so that the whole is still of its format."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence


def one_stream(link_format: str, texts: Sequence[str]) -> str:
    """Of one format; what two of them say alike is said once."""
    if len(texts) == 1:
        return texts[0]
    if link_format == "bitwarden-json":
        return _one_json([json.loads(text) for text in texts])
    if link_format in ("switch-role", "1password", "bitwarden-csv"):
        return _one_csv(texts) if texts else ""
    return _one_ini(texts)


def _one_json(documents: Sequence[dict[str, list[object]]]) -> str:
    whole: dict[str, object] = {
        name: [each for document in documents for each in document[name]]
        for name in ("collections", "items")
    }
    whole = {"encrypted": False, **whole}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _one_csv(texts: Sequence[str]) -> str:
    """The header once."""
    tables = [list(csv.reader(io.StringIO(text, newline=""))) for text in texts]
    out = io.StringIO(newline="")
    rows = [tables[0][0], *(row for table in tables for row in table[1:])]
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _one_ini(texts: Sequence[str]) -> str:
    # A section that is there twice makes the whole file unreadable to the AWS CLI (botocore reads
    # it by a strict parser): `tests/unit/accounts/links/test_streams.py`.
    sections = [section for text in texts for section in text.split("\n\n") if section.strip()]
    alike_once = dict.fromkeys(each.rstrip("\n") + "\n" for each in sections)
    return "\n".join(alike_once)
