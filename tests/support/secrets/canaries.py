"""Owns looking for secrets where none may be: in texts, in files of any kind, in every row."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import polars as pl
import psycopg

from tests.support import pdf_files

Text = tuple[str, str]
"""Where it stands, and what it is."""


def found(secrets: Mapping[str, str], texts: Iterable[Text]) -> set[str]:
    """`secret in place` for each that stands where it may not."""
    assert all(len(secret) >= 6 for secret in secrets.values()), "it would be found by chance"
    return {
        f"{name} in {where}"
        for where, text in texts
        for name, secret in secrets.items()
        if secret in text
    }


def files_below(folder: Path) -> Iterator[Text]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield from _opened(str(path.relative_to(folder)), path.read_bytes())


def _opened(name: str, content: bytes) -> Iterator[Text]:
    """What is compressed is opened, to any depth: nothing would be found in it."""
    yield name, content.decode("latin-1")
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for each in archive.namelist():
                yield from _opened(f"{name}/{each}", archive.read(each))
    elif content.startswith(b"\x1f\x8b"):
        yield from _opened(f"{name}/unzipped", gzip.decompress(content))
    elif content.startswith(b"PAR1"):
        yield f"{name}/rows", str(pl.read_parquet(io.BytesIO(content)).rows())
    elif content.startswith(b"%PDF"):
        yield f"{name}/text", "\n".join(pdf_files.pages(content))


def rows_of(conninfo: str) -> Iterator[Text]:
    """Every row of every table, the queue's too; files that are kept in one are opened."""
    ours = "SELECT table_schema, table_name FROM information_schema.tables "
    ours += "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') "
    ours += "AND table_type = 'BASE TABLE'"
    with closing(psycopg.connect(conninfo)) as connection:
        for schema, table in connection.execute(ours).fetchall():
            name = psycopg.sql.Identifier(schema, table)
            for row in connection.execute(psycopg.sql.SQL("SELECT * FROM {}").format(name)):
                yield table, json.dumps(row, default=str, ensure_ascii=False)
                for value in row:
                    if isinstance(value, bytes):
                        yield from _opened(table, value)
