"""The home page, search, agents, notifications, limits and the audit log, over HTTP."""
