"""5. The ways to reach a model, one file per kind, all behind `base.Backend`."""
