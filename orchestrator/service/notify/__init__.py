"""Notifications: who is to hear of what, and how it reaches them."""
