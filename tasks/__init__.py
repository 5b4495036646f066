"""The library of tasks that flows are composed of."""
