"""Writes the table of settings in docs/settings.md from the keys that there are.

python docs/write_settings.py            # writes it
python docs/write_settings.py --check    # says whether it is up to date
"""

from __future__ import annotations

import sys
from pathlib import Path

from docstrings import cell
from reference_page import keep, with_part

from orchestrator.schemas.settings import defaults
from orchestrator.settings import KEYS, ONLY_IN_FILE

PAGE = Path(__file__).with_name("settings.md")


def page() -> str:
    """Return the text of the page."""
    return with_part(PAGE.read_text(encoding="utf-8"), "settings", table())


def table() -> str:
    """The table of all settings."""
    rows = ["| key | default | what it sets |", "|---|---|---|"]
    for name, key in KEYS.items():
        says = cell(key.says)
        if key.page:
            where = key.page.removeprefix(PAGE.name)
            says += (
                f"; see [{where.partition('.md')[0] if where == key.page else 'below'}]({where})"
            )
        if name in ONLY_IN_FILE:
            says += "; not settable by the environment"
        rows.append(f"| `{name}` | {cell(key.default) or _default(name)} | {says} |")
    return "\n".join(rows)


def _default(name: str) -> str:
    value = defaults()[name]
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value:g}`"


def main() -> int:
    """Write the page, or compare it."""
    return keep(PAGE, page())


if __name__ == "__main__":
    sys.exit(main())
