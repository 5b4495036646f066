"""Snowflake through its own connector: connections, scripts, Arrow, stages, and tasks for them."""
