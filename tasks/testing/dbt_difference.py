"""dbt's picture of how rows differ, in the words of our own comparisons."""

from __future__ import annotations

import csv
import io

_TITLE = "actual differs from expected:"
_ARROW = "→"


def readable(message: str) -> str:
    """Turn what dbt says of a failed unit test into one line for each row; other text stays.

    Example:
        >>> print(readable("actual differs from expected:\\n\\n@@,id,day\\n→ ,1 ,1st→2nd\\n---,2 ,3rd"))
        the result is not as expected: 1 row differs, 1 row missing
          differs: id=1
            day: expected 1st, found 2nd
          missing: id=2, day=3rd
    """
    text = message.replace("\r\n", "\n").strip()
    if not text.startswith(_TITLE):
        return text
    read = csv.reader(io.StringIO(text[len(_TITLE) :].strip()))
    table = [[cell.strip() for cell in row] for row in read if row]
    header = next((row for row in table if row[0] == "@@"), None)
    if header is None:
        return text
    lines: list[str] = []
    counts = {"differs": 0, "missing": 0, "extra": 0}
    for row in table[table.index(header) + 1 :]:
        mark, pairs = row[0], list(zip(header[1:], row[1:], strict=False))
        if mark in ("---", "+++"):
            word = "missing" if mark == "---" else "extra"
            counts[word] += 1
            lines.append(f"  {word}: " + ", ".join(f"{name}={value}" for name, value in pairs))
        elif mark.endswith(_ARROW):
            counts["differs"] += 1
            lines += _differing(pairs, mark)
    said = [
        f"{count} row{'' if count == 1 else 's'} {_verb(word, count)}"
        for word, count in counts.items()
        if count
    ]
    return (
        "\n".join([f"the result is not as expected: {', '.join(said)}", *lines]) if said else text
    )


def _differing(pairs: list[tuple[str, str]], arrow: str) -> list[str]:
    """A changed row; dbt lengthens the arrow where a value holds one."""
    same = ", ".join(f"{name}={value}" for name, value in pairs if arrow not in value)
    changed = [(name, value.split(arrow, 1)) for name, value in pairs if arrow in value]
    return [
        f"  differs: {same}".rstrip(),
        *(f"    {name}: expected {before}, found {after}" for name, (before, after) in changed),
    ]


def _verb(word: str, count: int) -> str:
    return "differ" if word == "differs" and count != 1 else word
