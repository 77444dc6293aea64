"""Other systems' configuration as Stentor's: one module for each of them, which only decides."""
