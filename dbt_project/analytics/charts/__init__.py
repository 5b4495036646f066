"""Charts by form; each is a function from plain values to one accessible SVG."""
