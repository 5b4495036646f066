"""Agents: take runs that are due, and launch each as a process of its own."""
