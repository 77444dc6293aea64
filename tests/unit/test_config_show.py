from __future__ import annotations

import tomllib

import pytest

from stentor.cli.config_show import MASK, effective, masked
from stentor.cli.imports.served import loaded
from stentor.config import configured_models

GIVEN = """\
[server]
host = "::1"
cors_origins = ["https://a.example"]
[lifecycle]
idle_timeout = "never"
memory_budget = { "cuda:0" = "12GB" }
[models."a b"]
idle_timeout = "90s"
memory_limit = "2GB"
[[models."a b".backends]]
engine = "espeak"
options = { rate = 150, variant = "" }
[[models."a b".backends]]
kind = "container"
name = "tts"
task = "speech"
speed = [0.5, 2.0]
"""


def test_what_is_shown_is_the_configuration() -> None:
    config = loaded(GIVEN)
    assert loaded(effective(config)) == config


def test_models_are_in_the_order_in_which_they_count() -> None:
    config = loaded('[models.espeak]\nbackends = [{ engine = "espeak" }]\n' + GIVEN)
    assert list(tomllib.loads(effective(config))["models"]) == list(configured_models(config))


def test_an_api_key_is_masked() -> None:
    shown = effective(loaded('[server]\napi_key = "sesame"\n'))
    assert "sesame" not in shown
    assert tomllib.loads(shown)["server"]["api_key"] == MASK


@pytest.mark.parametrize(
    ("value", "key", "shown"),
    [
        ("s", "HF_TOKEN", MASK),
        ("s", "db_password", MASK),
        ("NAME", "api_key_env", "NAME"),
        ("", "api_key", ""),
        (5, "max_tokens", 5),
        (["s"], "keys", [MASK]),
        ({"TOKEN": "s", "A": "b"}, "env", {"TOKEN": MASK, "A": "b"}),
        ("http://u:p@h/v1", "url", f"http://{MASK}@h/v1"),
        ("http://h/v1?a=b@c", "url", "http://h/v1?a=b@c"),
    ],
)
def test_secrets(value: object, key: str, shown: object) -> None:
    assert masked(value, key) == shown
