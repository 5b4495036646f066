"""Deploying: flows of a project at a version, put into service and taken out of it."""
