"""Lets the tests of dbt import their helpers as ``tests.dbt.…``, however pytest was started.

This folder is no package: as a package named ``dbt`` it would hide dbt itself.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
