"""Flows, their versions and their plans, over HTTP."""
