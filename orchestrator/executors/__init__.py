"""Where tasks run: in this thread, in threads of this process, or on a Dask cluster."""
