"""The headers that tell who answered."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote


def identity(model: str, backend: str, ignored: Sequence[str] = ()) -> dict[str, str]:
    """Percent-encoded where a name of the configuration is no text for a header. `ignored`: fields
    of the request that this model cannot follow.
    """
    safe = "!#$&'()*+,/:;=?@[] "
    names = {"X-Stentor-Model": model, "X-Stentor-Backend": backend}
    told = {header: quote(name, safe=safe) for header, name in names.items()}
    return told | ({"X-Stentor-Ignored": ", ".join(ignored)} if ignored else {})
