"""What a worker may answer that is no answer."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

LIMIT = 20.0

many = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def huge(name: str, value: str) -> bytes:
    return f'{{"type": "audio-start", "{name}": {value}}}\n'.encode()
