"""What databases with a Python DB-API driver share: pools, recording, splitting, query tags."""
