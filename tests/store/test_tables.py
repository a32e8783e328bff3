"""Tables are declared by subject, when asked for: a subject must bring what its rows name."""

from __future__ import annotations

import sys

import pytest

from service.store.tables import METADATA, SUBJECTS, Row

SUBJECT_OF = {
    str(row.__tablename__): row.__module__.rpartition(".")[2] for row in Row.__subclasses__()
}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_imports_the_tables_that_its_rows_name(subject: str) -> None:
    """Else whoever writes such a row alone fails, as SQLAlchemy does not find the other table."""
    named = {
        SUBJECT_OF[key.column.table.name]
        for table, its_subject in SUBJECT_OF.items()
        if its_subject == subject
        for key in METADATA.tables[table].foreign_keys
    }

    assert named - {subject} <= vars(sys.modules[f"service.store.tables.{subject}"]).keys()


def test_every_table_has_a_subject() -> None:
    assert set(SUBJECT_OF.values()) == set(SUBJECTS)
    assert set(SUBJECT_OF) == set(METADATA.tables)
