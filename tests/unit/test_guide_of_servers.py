"""What the guide to servers of others shows is a configuration, of backends that can be built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stentor.app import Stentor
from stentor.config import Config

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "process-and-container.md"
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.anyio
@pytest.mark.parametrize("example", EXAMPLES)
async def test_its_examples_are_configurations(
    example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "stentor.toml"
    file.write_text(example, encoding="utf-8")
    monkeypatch.setenv("STENTOR_CONFIG", str(file))
    monkeypatch.setenv("STENTOR_DATA_DIR", str(tmp_path))
    config = Config()
    stentor = Stentor(config)
    own = set(config.models) - {"espeak", "pocketsphinx"}
    assert own
    for name in own:
        (backend,) = stentor.models.find(name).backends
        assert backend.name.partition(":")[0] == config.models[name].backends[0].kind
    await stentor.close()


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 5
