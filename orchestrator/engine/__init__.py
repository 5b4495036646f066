"""The run engine: what will run and why, one attempt, driving a run to its end."""
