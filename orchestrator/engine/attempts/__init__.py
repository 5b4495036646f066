"""The worker's side: what runs where a bundle of attempts was sent."""
