"""The driver's side: what is ready, what travels together, what its end means."""
