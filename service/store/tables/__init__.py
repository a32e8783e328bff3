"""The tables, by what they are about. Importing this package declares all of them."""

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
from service.store.tables.row import Row

METADATA = Row.metadata

__all__ = [
    "METADATA",
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
