"""Everything that runs dbt: options, profiles, the warm session and its results."""
