"""Workers: processes that host an engine."""
