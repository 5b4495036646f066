"""dbt-style selection over all tasks of a flow."""
