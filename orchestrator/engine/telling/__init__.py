"""What becomes known of a run: records in the store, events, logs of failures."""
