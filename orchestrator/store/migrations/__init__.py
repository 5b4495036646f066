"""The steps that bring a run store's schema from one version to the next."""
