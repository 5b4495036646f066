"""Options that take several values in a row, as dbt's ``--select a b c`` does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import click


class SpreadingCommand(click.Command):
    """A command in which an option marked ``multiple`` takes all values up to the next option.

    The one argument of such a command may stand before or between the options; after the values
    of such an option only ``.`` is understood as the argument, for it is never a selector.

    Args:
        spread: Names of the parameters that take several values.
    """

    def __init__(self, *args: Any, spread: Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._spread = frozenset(spread)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option before each of its values, which is how click wants it."""
        return super().parse_args(ctx, self._repeated(ctx, args))

    def _repeated(self, ctx: click.Context, args: list[str]) -> list[str]:
        several, valued = self._option_names()
        found: list[str] = []
        positional = False
        rest = list(args)
        while rest:
            token = rest.pop(0)
            if token == "--":
                return [*found, token, *rest]
            if token in several:
                values = list(_values(rest))
                if not values:
                    raise click.BadOptionUsage(token, f"Option {token!r} requires a value.", ctx)
                if values and values[-1] == "." and len(values) > 1 and not positional:
                    rest.insert(0, values.pop())
                found += [part for value in values for part in (token, value)]
            elif token in valued and rest:
                found += [token, rest.pop(0)]
            else:
                positional = positional or not _is_option(token)
                found.append(token)
        return found

    def _option_names(self) -> tuple[set[str], set[str]]:
        several: set[str] = set()
        valued: set[str] = set()
        for param in self.params:
            if isinstance(param, click.Option) and not param.is_flag:
                (several if param.name in self._spread else valued).update(param.opts)
        return several, valued


def _values(rest: list[str]) -> Iterator[str]:
    while rest and not _is_option(rest[0]):
        yield rest.pop(0)


def _is_option(token: str) -> bool:
    return len(token) > 1 and token.startswith("-")
