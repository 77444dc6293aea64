"""What `stentor doctor` looks at. Each check does the thing, and tells what came of it."""
