"""Who may come in: the gate before every route, tokens, sessions and roles."""
