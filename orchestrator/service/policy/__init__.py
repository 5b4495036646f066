"""Guard rails: what every flow of a project must keep to, as ``policy.toml`` says."""
