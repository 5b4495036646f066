"""What a terminal shows: pure pictures of events, plans and records, and the screens that print them."""
