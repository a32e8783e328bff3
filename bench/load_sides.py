"""Owns the two servers of the load: ours as `rebill serve` runs it, and bare FastAPI beside it.

`python -m bench.load_sides ours|bare CONNINFO PORT`, until it is ended.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Response
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from service.cli.system.serve import run_server
from service.store.database import Database

INVOICES = """
    SELECT draft.id, draft.state, draft.client_key, draft.payer_account_id, draft.period,
           draft.currency, draft.total_minor, draft.cost, draft.price, draft.content_id,
           draft.approved_at, draft.approved_by, draft.other_currencies, document.number,
           document.issued_on, client.external_refs
    FROM draft JOIN client ON client.key = draft.client_key
    LEFT JOIN document ON document.draft_id = draft.id WHERE draft.state <> 'discarded'
"""
PDF = """
    SELECT content FROM document_file JOIN document ON document.id = document_file.document_id
    WHERE draft_id = %s AND format = 'pdf'
"""


def bare(conninfo: str) -> FastAPI:
    """The same questions without keys, scopes, forms, links between pages, problems or headers."""
    pool = ConnectionPool(conninfo, min_size=5, max_size=65)
    app = FastAPI()

    def rows(question: str, *given: object) -> list[dict[str, Any]]:
        with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(question.encode(), given).fetchall()

    @app.get("/v1/invoices")
    def invoices() -> list[dict[str, Any]]:
        return rows(f"{INVOICES} ORDER BY draft.id LIMIT 101")

    @app.get("/v1/invoices/{invoice_id}.pdf")
    def pdf(invoice_id: int) -> Response:
        (found,) = rows(PDF, invoice_id)
        return Response(found["content"], media_type="application/pdf")

    @app.get("/v1/invoices/{invoice_id}")
    def invoice(invoice_id: int) -> dict[str, Any]:
        (found,) = rows(f"{INVOICES} AND draft.id = %s", invoice_id)
        (document,) = rows("SELECT body FROM document WHERE draft_id = %s", invoice_id)
        return found | document

    @app.get("/v1/onboardings")
    def onboardings() -> list[dict[str, Any]]:
        return rows("SELECT * FROM onboarding ORDER BY id LIMIT 101")

    @app.get("/v1/onboardings/{onboarding_id}")
    def onboarding(onboarding_id: str) -> dict[str, Any]:
        (found,) = rows("SELECT * FROM onboarding WHERE id = %s", onboarding_id)
        return found

    return app


def main(side: str, conninfo: str, port: str) -> None:
    if side == "ours":
        run_server(Database(conninfo), Path("no snapshots"), host="127.0.0.1", port=int(port))
    else:
        uvicorn.run(bare(conninfo), host="127.0.0.1", port=int(port), log_level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:])
