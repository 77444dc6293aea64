"""The headers that tell who answered."""

from __future__ import annotations

from urllib.parse import quote


def identity(model: str, backend: str) -> dict[str, str]:
    """Percent-encoded where a name of the configuration is no text for a header."""
    safe = "!#$&'()*+,/:;=?@[] "
    names = {"X-Stentor-Model": model, "X-Stentor-Backend": backend}
    return {header: quote(name, safe=safe) for header, name in names.items()}
