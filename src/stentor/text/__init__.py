"""Text preparation: from what a client sent to pieces that an engine can speak."""
