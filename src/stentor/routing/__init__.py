"""4. What exists, who is healthy, which backend, and whose turn it is."""
