"""Which of the names that there are somebody may have meant by one that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near_to(word: object, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Return the name most like a word, in capitals or not; None where none is like it.

    Args:
        word: What somebody wrote.
        known: The names that there are.
        likeness: How much it has to be like it, from 0 to 1.

    Example:
        >>> near_to("clas", ["class", "adapt"]), near_to("x", ["class"])
        ('class', None)
    """
    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(str(word).lower(), folded, n=1, cutoff=likeness)
    return folded[near[0]] if near else None


def did_you_mean(word: object, known: Iterable[str], otherwise: str) -> str:
    """Return what to do about a wrong name: take the one that was meant, or ``otherwise``.

    Example:
        >>> did_you_mean("clas", ["class"], "leave it out"), did_you_mean("x", [], "leave it out")
        ("did you mean 'class'?", 'leave it out')
    """
    near = near_to(word, known)
    return f"did you mean {near!r}?" if near else otherwise


def nearest(word: object, known: Iterable[str], otherwise: str = "there are: ") -> str:
    """Return what to do about a wrong name: take the one that was meant, or one of all.

    Args:
        word: What somebody wrote.
        known: The names that there are.
        otherwise: What comes before all names where none is like the word.

    Example:
        >>> nearest("clas", ["class", "adapt"]), nearest("x", ["class", "adapt"])
        ("did you mean 'class'?", 'there are: class, adapt')
    """
    names = list(known)
    return did_you_mean(word, names, otherwise + ", ".join(names))


def hint(word: object, known: Iterable[str]) -> str:
    """Return the end of a message that names the names already: what may have been meant.

    Example:
        >>> hint("clas", ["class", "adapt"]), hint("x", ["class"])
        ("; did you mean 'class'?", '')
    """
    near = near_to(word, known)
    return f"; did you mean {near!r}?" if near else ""
