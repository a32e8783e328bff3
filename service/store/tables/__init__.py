"""The tables, by what they are about; a subject is declared when it is first asked for.

All of them take a third of a second to declare, and a command such as `rebill key create` needs
two. `METADATA` declares all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from service.store.tables.row import Row

if TYPE_CHECKING:
    import sqlalchemy as sa

    from service.store.tables import (
        access,
        configuration,
        documents,
        months,
        onboarding,
        requests,
        root_security,
        runs,
    )

    METADATA: sa.MetaData

SUBJECTS = (
    "access",
    "configuration",
    "documents",
    "months",
    "onboarding",
    "requests",
    "root_security",
    "runs",
)


def __getattr__(name: str) -> Any:
    if name in SUBJECTS:
        return import_module(f"{__name__}.{name}")
    if name == "METADATA":
        for subject in SUBJECTS:
            import_module(f"{__name__}.{subject}")
        return Row.metadata
    raise AttributeError(name)


__all__ = [
    "METADATA",
    "SUBJECTS",
    "Row",
    "access",
    "configuration",
    "documents",
    "months",
    "onboarding",
    "requests",
    "root_security",
    "runs",
]
