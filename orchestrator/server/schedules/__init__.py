"""Deployments, schedules and backfills, over HTTP."""
