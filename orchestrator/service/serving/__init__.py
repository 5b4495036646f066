"""The service: scheduler, agent, notifier and HTTP API as parts of one process."""
