"""Names and types of the columns of a load: what was said, what the table has, what was guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from orchestrator.errors import FlowError
from tasks.files.failures import BadFileError
from tasks.files.formats import Types, arrow_type, said_type

if TYPE_CHECKING:
    import pyarrow


def checked_names(names: Iterable[str], address: str) -> list[str]:
    """Names of columns, blanks around them taken away.

    Raises:
        BadFileError: One is empty or there twice.
    """
    clean = [str(name).strip() for name in names]
    twice = [name for name, count in Counter(map(str.casefold, clean)).items() if count > 1]
    if "" in clean or twice:
        what = (
            f"column {twice[0]!r} is there twice" if twice and twice[0] else "a column has no name"
        )
        raise BadFileError(
            f"{address}: {what} in its header",
            fix="mend the header, or name all columns: columns=[…]",
        )
    return clean


def numbered(count: int) -> list[str]:
    """Names of columns that have none.

    Example:
        >>> numbered(2)
        ['column_1', 'column_2']
    """
    return [f"column_{number}" for number in range(1, count + 1)]


def schema_of(
    names: Sequence[str],
    types: Types,
    known: pyarrow.Schema | None,
    guess: Callable[[dict[str, pyarrow.DataType]], dict[str, pyarrow.DataType]],
) -> pyarrow.Schema:
    """Types of columns: as said; else as the table has them; else guessed.

    Args:
        names: The columns.
        types: What was said of them.
        known: The table, if it is there.
        guess: Guesses all, given what is known; asked only where something is not.

    Raises:
        FlowError: A type is said of a column that is not there.
    """
    import pyarrow

    folded = {name.casefold() for name in names}
    for name in () if isinstance(types, str) else types:
        if name.casefold() not in folded:
            raise FlowError(
                f"there is no column {name!r} to give a type", fix="it has " + ", ".join(names)
            )
    of_table = {} if known is None else {field.name.casefold(): field.type for field in known}
    found: dict[str, pyarrow.DataType] = {}
    for name in names:
        said = said_type(types, name)
        if said is not None:
            found[name] = arrow_type(said)
        elif name.casefold() in of_table:
            found[name] = plain_type(of_table[name.casefold()])
    guessed = guess(found) if len(found) < len(names) else {}
    return pyarrow.schema([(name, found.get(name) or guessed[name]) for name in names])


def plain_type(kind: pyarrow.DataType) -> pyarrow.DataType:
    """The type that texts are read as for a column of this type; text, where the database is to read it."""
    import pyarrow
    from pyarrow import types

    if types.is_dictionary(kind):
        return plain_type(kind.value_type)
    tests = (
        types.is_integer, types.is_floating, types.is_boolean, types.is_date32, types.is_time,
        types.is_timestamp, types.is_decimal128,
    )  # fmt: skip
    return kind if any(test(kind) for test in tests) else pyarrow.string()


def aligned(address: str, names: Sequence[str], wanted: pyarrow.Schema) -> pyarrow.Schema:
    """The schema of a further file: the types of the first one in the order of its own columns.

    Raises:
        BadFileError: It has other columns.
    """
    import pyarrow

    fields = {field.name.casefold(): field for field in wanted}
    own = {name.casefold() for name in names}
    lacks = [field.name for folded, field in fields.items() if folded not in own]
    more = [name for name in names if name.casefold() not in fields]
    if lacks or more:
        differs = [f"lacks {', '.join(lacks)}"] if lacks else []
        differs += [f"also has {', '.join(more)}"] if more else []
        raise BadFileError(
            f"{address} {' and '.join(differs)}, unlike the first file",
            fix="load it by itself, or mend it",
        )
    return pyarrow.schema([fields[name.casefold()] for name in names])


def word_of(kind: pyarrow.DataType) -> str:
    """What people call a type.

    Example:
        >>> import pyarrow
        >>> word_of(pyarrow.int64()), word_of(pyarrow.decimal128(9, 2)), word_of(pyarrow.string())
        ('integer', 'decimal(9,2)', 'text')
    """
    from pyarrow import types

    if types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    words = (
        (types.is_integer, "integer"), (types.is_floating, "number"), (types.is_boolean, "boolean"),
        (types.is_date, "date"), (types.is_time, "time"), (types.is_timestamp, "timestamp"),
    )  # fmt: skip
    return next((word for test, word in words if test(kind)), "text")
