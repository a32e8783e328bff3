"""Whether the service is up; shows nothing else and needs no key."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from service.api.access import SessionDep
from service.store.session import is_answering

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


@router.get("/health", operation_id="health")
def health(session: SessionDep) -> Health:
    """Answers once the database does."""
    assert is_answering(session)
    return Health()
