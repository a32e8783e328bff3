"""Owns the application: commands made when they are asked for, and what exit statuses mean."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from service.cli.catalogue import CATALOGUE, Command, CommandGroup

EXIT_FINDING = 1
EXIT_BAD_INPUT = 2
EXIT_DEFECT = 70
"""`EX_SOFTWARE` of sysexits.h: an exception that nobody expected, told with its stack."""

EXIT_UNAVAILABLE = 75
"""`EX_TEMPFAIL` of sysexits.h: what we need does not answer; a supervisor may begin again."""

EXIT_INTERRUPTED = 130

WHAT_IT_IS = "Exact per-client invoices from one AWS payer bill."


class LazyGroup(TyperGroup):
    """Lists its commands from the catalogue, and imports the one that is run.

    A command's module brings what it works with: AWS's library, data frames, the database's. All
    of them together take seconds to import, which whoever only reads the help would wait for.
    """

    entries: Mapping[str, Command | CommandGroup]

    def list_from(self, entries: Mapping[str, Command | CommandGroup]) -> None:
        self.entries = entries
        self.commands = {name: TyperCommand(name, help=e.help) for name, e in entries.items()}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Typer's signature
        entry = self.entries.get(cmd_name)
        match entry:
            case None:
                return None
            case CommandGroup():
                return _group(cmd_name, entry.help, entry.commands, _nothing)
            case Command():
                return made(cmd_name, entry)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        TyperGroup(commands=dict(self.commands)).format_commands(ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args:
            typer.echo(ctx.get_help(), err=True)
            raise typer.Exit(EXIT_BAD_INPUT)
        return super().parse_args(ctx, args)


def application() -> TyperGroup:
    """The whole of it, nothing of it imported yet."""
    return _group("rebill", WHAT_IT_IS, CATALOGUE, rebill)


def function_of(command: Command) -> Callable[..., None]:
    module, _, name = command.place.partition(":")
    function: Callable[..., None] = getattr(import_module(module), name)
    return function


def made(name: str, command: Command) -> Any:
    """What Typer runs, with the options that its function declares."""
    one = typer.Typer(rich_markup_mode=None, add_completion=False)
    one.command(name)(function_of(command))
    return typer.main.get_command(one)


def _group(
    name: str,
    words: str,
    entries: Mapping[str, Command | CommandGroup],
    callback: Callable[..., None],
) -> TyperGroup:
    several = typer.Typer(name=name, cls=LazyGroup, rich_markup_mode=None, add_completion=False)
    several.callback(help=words)(callback)
    group = typer.main.get_command(several)
    assert isinstance(group, LazyGroup)
    group.list_from(entries)
    return group


def _nothing() -> None:
    return None


def _print_version(wanted: bool) -> None:
    if wanted:
        # Only here: looking a version up takes as long as all the rest of the help.
        from importlib.metadata import version

        typer.echo(f"rebill {version('rebill')}")
        raise typer.Exit


def rebill(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version, and stop."
        ),
    ] = False,
) -> None:
    """What stands before any command."""
