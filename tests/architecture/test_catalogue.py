"""The list of commands says what the commands say, and leaves none out."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, get_type_hints

import pytest
from typer.models import ParameterInfo

import service.cli
from service.cli import application
from service.cli.catalogue import CATALOGUE, Command, CommandGroup


def commands() -> Iterator[tuple[str, Command]]:
    for name, entry in CATALOGUE.items():
        match entry:
            case Command():
                yield name, entry
            case CommandGroup():
                yield from ((f"{name} {each}", command) for each, command in entry.commands.items())


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_that_is_listed_is_the_commands_own(name: str) -> None:
    command = COMMANDS[name]

    assert command.help == inspect.getdoc(application.function_of(command))
    assert command.help == application.made(name, command).get_short_help_str(limit=1000)


def test_no_command_is_missing_from_the_list() -> None:
    """Whatever takes options of the command line is a command."""
    listed = {application.function_of(command) for command in COMMANDS.values()}

    assert {where(each) for each in takers_of_options() - listed} == {
        "service.cli.application.rebill"
    }


def takers_of_options() -> set[Callable[..., Any]]:
    modules = [
        import_module(each.name)
        for each in pkgutil.walk_packages(service.cli.__path__, "service.cli.")
    ]
    return {
        function
        for module in modules
        for _, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and takes_options(function)
    }


def takes_options(function: Callable[..., Any]) -> bool:
    hints = get_type_hints(inspect.unwrap(function), include_extras=True).values()
    return any(
        isinstance(extra, ParameterInfo)
        for hint in hints
        for extra in getattr(hint, "__metadata__", ())
    )


def where(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__name__}"
