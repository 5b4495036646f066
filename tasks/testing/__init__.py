"""What tests need of the task library: temporary databases, SQL tests, dbt unit tests."""
