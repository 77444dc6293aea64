"""Python environments: one for each set of packages that engines need."""
