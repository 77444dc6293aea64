"""The temporary folder of a worker, which is killed more often than it comes to an end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def fleeting_files() -> Iterator[None]:
    """What is put into the temporary folder meanwhile goes when the context is left, where the
    system lets files be removed that are loaded: for packages that load copies of a library and
    leave them until the end of the process. Not while other threads make temporary files.
    """
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        tempfile.tempdir = folder
        try:
            yield
        finally:
            tempfile.tempdir = before
