"""What happens, as it happens: server-sent events of runs."""
