"""Owns the chain's part of a pack: the links of its documents, and of others their hash alone.

A link hashes the link before it and everything that it says itself. So a chain can be followed
over links of other clients of whom nothing is told but a hash.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from invoices.documents.chain import said_by
from invoices.documents.document import canonical_bytes, content_id
from kernel.file_names import file_name
from service.store.archive import chain
from service.store.archive.chain import Link
from service.store.session import Session


@dataclass(frozen=True, slots=True)
class CheckpointPlace:
    """Where checkpoints are, and the public key that they are signed with."""

    place: str
    key: Path


@dataclass(frozen=True, slots=True)
class Chains:
    """Names of files in the pack, and all of them."""

    chains: tuple[str, ...]
    checkpoints: tuple[str, ...]
    files: dict[str, bytes]


def chains_of(
    session: Session, document_ids: Collection[int], outside: CheckpointPlace | None
) -> Chains:
    """From the first link of these documents to the last, or to the first checkpoint after it.

    To no later one: a pack that is made again after more was issued is the same. The caller has
    proven the chains. Raises CheckpointFails, BadCheckpoint.
    """
    spans = chain.spans(session, document_ids)
    needed = {series: last for series, (_, last) in spans.items()}
    covering = {} if outside is None else _covering(outside, needed)
    files: dict[str, bytes] = {}
    names = []
    for series, (first, last) in spans.items():
        end = max([last, *covering[series].positions(series)] if series in covering else [last])
        name = f"chains/{file_name(series, ending='.json')}"
        files[name] = _json(_chain(session, series, (first, end), document_ids))
        names.append(name)
    checkpoints = []
    for each in sorted({*covering.values()}):
        name = f"checkpoints/{each.name.partition('@')[0]}"  # of a bucket, without its version
        files |= each.files(name)
        checkpoints.append(name)
    if outside is not None and checkpoints:
        files["checkpoints/key.pub"] = outside.key.read_bytes()
    return Chains(tuple(names), tuple(checkpoints), files)


@dataclass(frozen=True, slots=True, order=True)
class _Checkpoint:
    name: str
    text: str

    def positions(self, series: str) -> list[int]:
        heads = json.loads(self.text)["checkpoint"]["heads"]
        return [head["position"] for head in heads if head["series"] == series]

    def files(self, name: str) -> dict[str, bytes]:
        """As it is, and in the two parts that openssl verifies."""
        content = json.loads(self.text)
        return {
            name: self.text.encode(),
            f"{name}.signed": canonical_bytes(content["checkpoint"]),
            f"{name}.sig": bytes.fromhex(content["signature"]),
        }


def _covering(outside: CheckpointPlace, needed: dict[str, int]) -> dict[str, _Checkpoint]:
    """By series, the first checkpoint that saw all of these documents."""
    # Only here: cryptography takes its time to load.
    from jobs.verification.checkpoints import checking_key, read_checkpoints

    found: dict[str, _Checkpoint] = {}
    for name, text, heads in read_checkpoints(outside.place, checking_key(outside.key)):
        for head in heads:
            if head.series not in found and head.position >= needed.get(
                head.series, head.position + 1
            ):
                found[head.series] = _Checkpoint(name, text)
        if len(found) == len(needed):
            break
    return found


def _chain(
    session: Session, series: str, span: tuple[int, int], document_ids: Collection[int]
) -> dict[str, Any]:
    shown = [
        _link(link, is_shown=link.facts.document_id in document_ids)
        for link in chain.links(session, series, *span)
    ]
    follows = chain.chain_before(session, series, span[0])
    return {"series": series, "follows": follows, "links": shown}


def _link(link: Link, *, is_shown: bool) -> dict[str, Any]:
    said = said_by(link.place, link.facts)
    told = {
        "position": link.place.position,
        "said_sha256": content_id(said),
        "chain_sha256": link.chain_sha256,
    }
    return told | ({"said": json.loads(canonical_bytes(said))} if is_shown else {})


def _json(value: Any) -> bytes:
    return canonical_bytes(value) + b"\n"


__all__ = ["Chains", "CheckpointPlace", "chains_of"]
