"""The words of the orchestrator as plain values; nothing here touches a disk or a network."""
