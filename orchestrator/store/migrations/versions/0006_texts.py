"""Long texts that tasks leave behind, and the runs that have them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add two tables."""
    op.create_table(
        "texts",
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "text_uses",
        sa.Column(
            "run_id", sa.Text, sa.ForeignKey("flow_runs.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("hash", sa.Text, sa.ForeignKey("texts.hash"), primary_key=True),
    )
    op.create_index("text_uses_hash", "text_uses", ["hash"])
