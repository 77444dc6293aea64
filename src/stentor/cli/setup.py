"""`stentor setup`: proposes models that suit this machine, and pulls them. It keeps the languages
that it was told: they settle what OpenAI's names mean.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from stentor.cli import pull
from stentor.cli.client import LISTENS, SPEAKS
from stentor.cli.failure import UsageError
from stentor.cli.installed import Installed
from stentor.cli.load import load_config
from stentor.config import Config
from stentor.lifecycle.memory import machine
from stentor.lifecycle.proposal import Machine, Proposal, propose
from stentor.storage.kept_languages import keep_languages, wanted_languages
from stentor.text.language_tags import language_tag, primary


def run(languages: Sequence[str], *, yes: bool, dry_run: bool, accept_licence: bool) -> int:
    config = load_config()
    here = machine(config.storage.data_dir)
    engines = {each.name: each for each, _ in Installed(config).declarations()}
    named = tuple(dict.fromkeys(_primary(each) for each in languages))
    proposal = propose(here, named or wanted_languages(config), engines)
    _show(here, proposal)
    if dry_run or not proposal.choices:
        return 0
    if not (yes or _agreed()):
        _say("nothing was changed; --yes pulls them without asking")
        return 1
    if named:
        _keep(config, named)
    status = pull.run(
        [each.name for each in proposal.choices], accept_licence=accept_licence, anew=False
    )
    _show_meanings()
    return status


def _keep(config: Config, languages: Sequence[str]) -> None:
    keep_languages(config.storage.data_dir, languages)
    if config.engines.languages:
        counting = ", ".join(config.engines.languages)
        _say(f"your configuration's `languages` go first: {counting}")


def _show_meanings() -> None:
    """What OpenAI's names mean with what is here now."""
    # Imported only here: all of Stentor takes longer than a proposal.
    from stentor.app import Stentor

    stentor = Stentor(load_config())
    for name in (SPEAKS, LISTENS):
        model = stentor.models.by_name.get(name)
        if model is not None:
            spoken = stentor.spoken(model.name)
            _say(f"{name} means {model.name}" + (f", which {spoken}" if spoken else ""))


def _primary(given: str) -> str:
    tag = language_tag(given)
    if tag is None:
        raise UsageError(f"'{given}' is no language")
    return primary(tag)


def _show(here: Machine, proposal: Proposal) -> None:
    gpu = f"a GPU with {here.gpu:.0f} GiB free" if here.gpu else "no Nvidia GPU"
    _say(f"this machine: {gpu}, {here.memory:.0f} GiB of memory, {here.disk:.0f} GiB of disk free")
    for choice in proposal.choices:
        _say(f"  {choice.name}: {choice.why} (about {choice.disk} GiB on disk)")
    for remark in proposal.remarks:
        _say(f"  not: {remark}")


def _agreed() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print("Pull them? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
