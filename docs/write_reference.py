"""Writes every page, part of a page and file that is made from the code.

python docs/write_reference.py            # writes them
python docs/write_reference.py --check    # says whether they are up to date
"""

from __future__ import annotations

import importlib
import sys

WRITERS = (
    "write_schemas",
    "write_settings",
    "write_cli_reference",
    "write_task_reference",
    "write_python_reference",
    "write_api_reference",
    "write_error_reference",
    "draw_layers",
)


def main() -> int:
    """Run all writers; 1 if one of them found something stale."""
    return max(importlib.import_module(name).main() for name in WRITERS)


if __name__ == "__main__":
    sys.exit(main())
