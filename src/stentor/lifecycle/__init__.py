"""6. The life of local workers: their processes and their states."""
