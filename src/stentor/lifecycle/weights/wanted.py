"""Which files a model's weights are, and where they are kept. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath

from stentor.errors import ModelUnavailable
from stentor_engine.contract import Weights
from stentor_engine.loader import Declaration

_HUB_ID = re.compile(r"(?P<hub>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>\S+))?", re.ASCII)
_LOCAL = re.compile(r"~|\.{1,2}([/\\]|$)")
_TITLE = 60
"""Characters of a folder's name that tell people what it holds."""


class TwoRevisions(ModelUnavailable):
    """A mistake of the configuration."""

    def __init__(self, name: str, own: str, given: str) -> None:
        super().__init__(
            f"the weights '{name}' are of revision {own}, and the model's `revision` is {given}: "
            "leave one out"
        )


@dataclass(frozen=True)
class Wanted:
    """Weights that are fetched. `name`: as the owner knows them."""

    name: str
    parts: tuple[Weights, ...]

    @property
    def key(self) -> str:
        """The name of their folder: equal for equal files, wherever they are asked for."""
        told = [_identity(part) for part in self.parts]
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]
        return f"{_title(self.parts)}-{digest}"

    @property
    def licences(self) -> tuple[str, ...]:
        """Those that their owner must accept."""
        return tuple(dict.fromkeys(part.licence for part in self.parts if part.licence))


def resolve(
    declaration: Declaration, given: str | None, revision: str = ""
) -> Wanted | Path | str | None:
    """What `weights` in a model's configuration means for an engine: what to fetch; a `Path` of the
    owner's own; or, for an engine that declares no weights, what was given, as it is.

    `revision`: of the model; that of the weights' repository, or of the first one, where they have
    one and nothing else names its revision. Raises ModelUnavailable for what is none of these;
    TwoRevisions.
    """
    declared = declaration.weights
    if not declared:
        return given
    usual = next(iter(declared))
    name = given or usual
    if name in declared:
        return _pinned(Wanted(name, declared[name]), revision)
    if _LOCAL.match(name) or Path(name).is_absolute():
        return Path(name).expanduser().absolute()
    if found := _HUB_ID.fullmatch(name):
        own = found["revision"]
        if own and revision not in ("", own):
            raise TwoRevisions(name, own, revision)
        parts = _from(found["hub"], own or Weights.revision, declared[usual])
        return _pinned(Wanted(name, tuple(parts)), revision)
    raise ModelUnavailable(
        f"engine '{declaration.name}' knows no weights '{name}': give {', '.join(declared)}, a "
        "folder that begins with / ./ ../ or ~, or a hub id as owner/name"
    )


def inside(name: str) -> PurePosixPath:
    """Of a file's name that comes from elsewhere: a path that stays in its folder. Raises
    ModelUnavailable.
    """
    path = PurePosixPath(name)
    bad = not path.parts or path.is_absolute() or ".." in path.parts or re.search(r"[\\:\0]", name)
    if bad:
        raise ModelUnavailable(f"'{name}' is no name of a file that may be fetched")
    return path


def _pinned(wanted: Wanted, revision: str) -> Wanted:
    """With the model's revision of its first repository. Raises TwoRevisions where another one is
    declared.
    """
    first = next((part for part in wanted.parts if part.hub), None)
    if first is None or revision in ("", first.revision):
        return wanted
    if first.revision != Weights.revision:
        raise TwoRevisions(wanted.name, first.revision, revision)
    # Checksums that were declared are of the other revision's files.
    pinned = replace(first, revision=revision, sha256={})
    parts = tuple(pinned if part is first else part for part in wanted.parts)
    return Wanted(f"{wanted.name}@{revision}", parts)


def _from(hub: str, revision: str, usual: tuple[Weights, ...]) -> Iterator[Weights]:
    """The usual weights with another repository in place of their first one. Its licence stays:
    what was trained further is bound by it too.
    """
    first = next((part for part in usual if part.hub), None)
    if first is None:
        licence = next((part.licence for part in usual if part.licence), "")
        yield Weights(hub=hub, revision=revision, licence=licence)
        return
    for part in usual:
        yield replace(part, hub=hub, revision=revision, sha256={}) if part is first else part


def _identity(part: Weights) -> Mapping[str, object]:
    """What makes its files others."""
    told = {key: value for key, value in asdict(part).items() if key != "licence"}
    return told | {"files": sorted(part.files)}


def _title(parts: tuple[Weights, ...]) -> str:
    first = parts[0] if parts else Weights()
    name = first.hub or next((PurePosixPath(name).stem for name in first.urls), "weights")
    return re.sub(r"[^A-Za-z0-9._-]+", "--", name).strip(".-")[:_TITLE] or "weights"
