"""A user's project as a whole: found, loaded, planned, run."""
