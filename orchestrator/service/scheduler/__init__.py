"""Makes the runs of schedules, each once, and settles what nobody drives any more."""
