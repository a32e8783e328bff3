"""A file's name made from others' text is one part of a path, and two texts are two names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import BadInput
from kernel.file_names import file_name
from service.cli.folders import write_inside

DEVICES = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))}


@given(st.text(st.characters(codec=None), max_size=150))
def test_a_name_is_plain(text: str) -> None:
    name = file_name(text, ending=".csv")

    assert name.isascii() and name.isprintable() and not set(name) & set('/\\:*?"<>| ')
    assert not name.startswith((".", "-")) and 5 <= len(name) <= 104
    assert name.removesuffix(".csv").split(".")[0].lower() not in DEVICES


@pytest.mark.parametrize("text", ["engineers", "2026-11-0001", "INV-7", "a.b_c", "_"])
def test_what_is_plain_stays(text: str) -> None:
    assert file_name(text) == text


def test_two_are_two() -> None:
    alike = ["a/b", "a\\b", "a b", "a-b", "a:b", "a\nb", "a..b/", "../a-b"]
    assert len({file_name(each) for each in alike}) == len(alike)


def test_nothing_is_written_through_a_link_that_leads_out(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in/acme").symlink_to(tmp_path / "out")

    with pytest.raises(BadInput, match="leads out of"):
        write_inside(tmp_path / "in", file_name("acme"), file_name("x.pdf"), content=b"%PDF")
    assert list((tmp_path / "out").iterdir()) == []
