"""Writes docs/schemas/: what files may say, as JSON Schema, made of what reads them.

python docs/write_schemas.py            # writes them
python docs/write_schemas.py --check    # says whether they are up to date
"""

from __future__ import annotations

import sys
from pathlib import Path

from reference_page import keep

from orchestrator.schemas import NAMES, text_of

FOLDER = Path(__file__).with_name("schemas")


def files() -> dict[Path, str]:
    """The files and their texts."""
    return {FOLDER / f"{name}.json": text_of(name) for name in NAMES}


def main() -> int:
    """Write the files, or compare them."""
    return max(keep(path, text) for path, text in files().items())


if __name__ == "__main__":
    sys.exit(main())
