"""Owns where in a configuration file a setting is written: the line of a path."""

from __future__ import annotations

import re
from collections.abc import Iterable

import yaml

NAMED_BY = ("key", "account_id", "id", "type")
"""What tells the entries of a list apart, where a path names one and does not count."""


def with_lines(text: str, problems: Iterable[str]) -> list[str]:
    """Each problem after the line of its path, as far as the file has it: `:12: clients[0].key: …`.

    What has no path, or is no YAML at all, has no line: `: …`.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return [f": {problem}" for problem in problems]
    return [_with_line(root, problem) for problem in problems]


def _with_line(root: yaml.Node | None, problem: str) -> str:
    path = re.match(r"[a-z_]+(\[[^\]]*\]|\.[A-Za-z0-9_-]+)*(?=:)", problem)
    if root is None or path is None:
        return f": {problem}"
    node, line = root, None
    for step in re.findall(r"\[([^\]]*)\]|([A-Za-z0-9_-]+)", path[0]):
        found = _within(node, step[0] or step[1])
        if found is None:
            break
        line, node = found
    return f": {problem}" if line is None else f":{line}: {problem}"


def _within(node: yaml.Node, step: str) -> tuple[int, yaml.Node] | None:
    """The line on which a setting or an entry of a list begins, and what it has."""
    match node:
        case yaml.MappingNode():
            for key, value in node.value:
                if key.value == step:
                    return key.start_mark.line + 1, value
        case yaml.SequenceNode():
            for number, entry in enumerate(node.value):
                if step in (str(number), *_names(entry)):
                    return entry.start_mark.line + 1, entry
    return None


def _names(entry: yaml.Node) -> list[str]:
    settings = entry.value if isinstance(entry, yaml.MappingNode) else []
    return [value.value for key, value in settings if key.value in NAMED_BY]


__all__ = ["with_lines"]
