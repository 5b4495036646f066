"""Python of the flights project: loaders, the delay model and the report, free of any scheduler."""
