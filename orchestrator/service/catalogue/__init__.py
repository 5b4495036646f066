"""The catalogue of a project: its flows, its datasets, what feeds what, and how each stands."""
