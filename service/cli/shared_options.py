"""Owns options that several commands share: fields of one dataclass, written down once."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import Any, get_type_hints


def with_options(shared: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The command's first parameter is a `shared`; on the command line, each field is an option.

    Typer reads a command's options from its signature, so the wrapper's has the fields in place
    of the first parameter. They come last: a command's own options stand before them in its help.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(shared, include_extras=True)
        options = [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=hints[field.name],
            )
            for field in fields(shared)
        ]

        @wraps(command)
        def wrapper(**given: Any) -> None:
            picked = {option.name: given.pop(option.name) for option in options}
            command(shared(**picked), **given)

        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        own = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
        signature = inspect.Signature([*own, *options])
        wrapper.__signature__ = signature  # type: ignore[attr-defined]
        wrapper.__annotations__ = {
            name: parameter.annotation for name, parameter in signature.parameters.items()
        }
        return wrapper

    return decorate
