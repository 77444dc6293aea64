"""1. The doors: from HTTP to the pipelines' requests, and from their answers back to HTTP."""
