"""dbt's manifest as facts: what its nodes read, write and wait for."""
