"""Owns what all tables share: names, and how our types become columns."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import SQLModel

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Row(SQLModel):
    """A table's row, named after it: `ClientRow` of the table `client`, beside the value `Client`.

    Rows do not validate: values are checked before they get here.
    """

    metadata = sa.MetaData(naming_convention=NAMES)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        name = cls.__name__.removesuffix("Row")
        cls.__tablename__ = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        super().__init_subclass__(**kwargs)


def one_of(enum: type[StrEnum], *, check: str = "") -> sa.Enum:
    """Text the database checks to be a value (not the member name) of `enum`.

    `check`: what the migrations call the constraint, where that is not the enum's name.
    """
    return sa.Enum(
        enum,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=check or re.sub(r"(?<!^)(?=[A-Z])", "_", enum.__name__).lower(),
        values_callable=lambda members: [member.value for member in members],
    )


NUMERIC = sa.Numeric()
"""Exact, with as many places as the figure has: PostgreSQL rounds nothing off."""

JSON = JSONB(none_as_null=True)

PERIOD = sa.String(7)


def is_account_id(column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} ~ '^[0-9]{{12}}$'", name=f"{column}_form")


def is_period(column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} ~ '^[0-9]{{4}}-(0[1-9]|1[0-2])$'", name=f"{column}_form")
