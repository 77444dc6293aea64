"""What an engine's file says that it needs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.lifecycle.environments.environment import environment_key, satisfied_here
from stentor.lifecycle.environments.script import Script, ScriptError, read_script

FILE = '''#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = [
#     "numpy",
#     "Kokoro-ONNX == 0.6.1",
# ]
#
# [tool.uv]
# exclude-newer = "2026-11-01T00:00:00Z"
# ///
"""An engine."""
'''


def test_a_file() -> None:
    assert read_script(FILE) == Script(
        ("Kokoro-ONNX==0.6.1", "numpy"), ">=3.10", "2026-11-01T00:00:00Z"
    )


def test_what_a_file_needs_on_a_gpu_alone() -> None:
    more = (
        '# exclude-newer = "2026-11-01T00:00:00Z"\n#\n# [tool.stentor]\n# cuda = ["cublas == 12"]'
    )
    script = read_script(FILE.replace('# exclude-newer = "2026-11-01T00:00:00Z"', more))
    assert script == replace(read_script(FILE), cuda=("cublas==12",))
    there = script.with_cuda()
    assert there == replace(
        read_script(FILE), dependencies=("Kokoro-ONNX==0.6.1", "cublas==12", "numpy")
    )
    assert environment_key(script, torch="auto") == environment_key(read_script(FILE), torch="auto")
    assert environment_key(there, torch="auto") != environment_key(script, torch="auto")


@pytest.mark.parametrize("text", ["", "import numpy\n", "# /// other\n# x = 1\n# ///\n"])
def test_a_file_that_needs_nothing(text: str) -> None:
    assert read_script(text) == Script()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("# /// script\n# dependencies = []\n", "no end"),
        ("# /// script\n# dependencies = [\n# ///\n", "not TOML"),
        ("# /// script\n# ///\n# /// script\n# ///\n", "two"),
        ('# /// script\n# dependencies = ["no version!"]\n# ///\n', "no version!"),
        ("# /// script\n# dependencies = [7]\n# ///\n", "script block"),
        ('# /// script\n# requires-python = "new"\n# ///\n', "new"),
        ("# /// script\n# tool = 7\n# ///\n", "script block"),
        ("# /// script\n# [tool.stentor]\n# cuda = [7]\n# ///\n", "script block"),
        ("# /// script\n# dependancies = []\n# ///\n", "dependancies, which would be of no eff"),
        (
            "# /// script\n# [tool.uv]\n# exclude-newr = '2026-11-01'\n# ///\n",
            "has tool.uv.exclude-newr, which would be of no effect: .*exclude-newer and",
        ),
        ("# /// script\n# [tool.uv.sources]\n# a = { path = '.' }\n# ///\n", "tool.uv.sources"),
        ("# /// script\n# [tool.stentor]\n# cud = []\n# ///\n", "tool.stentor.cud"),
    ],
)
def test_a_block_that_cannot_be_read(text: str, why: str) -> None:
    with pytest.raises(ScriptError, match=why):
        read_script(text)


def test_tables_of_other_tools_are_theirs() -> None:
    block = "# /// script\n# [tool.ruff]\n# line-length = 100\n# ///\n"
    assert read_script(block) == Script()


@given(st.text() | st.text(alphabet="#/ script\n[]=\"'x").map(lambda text: f"# /// script\n{text}"))
def test_any_file_is_read_or_refused(text: str) -> None:
    with suppress(ScriptError):
        read_script(text)


def test_equal_needs_share_an_environment() -> None:
    one = Script(("a", "b==1"), ">=3.10", None)
    assert environment_key(one, torch="cpu") == environment_key(
        Script(("a", "b==1"), ">=3.10", None), torch="cpu"
    )
    others = [
        (Script(("a", "b==2"), ">=3.10", None), "cpu"),
        (Script(("a", "b==1"), ">=3.11", None), "cpu"),
        (Script(("a", "b==1"), ">=3.10", "2026-01-01"), "cpu"),
        (one, "cu128"),
    ]
    keys = {environment_key(script, torch=torch) for script, torch in [(one, "cpu"), *others]}
    assert len(keys) == len(others) + 1


@pytest.mark.parametrize(
    ("dependencies", "satisfied"),
    [
        ((), True),
        (("numpy",), True),
        (("numpy>=2", "espeakng-loader"), True),
        (("numpy<1",), False),
        (("no-such-package",), False),
        (('no-such-package; sys_platform == "plan9"',), True),
        (("numpy @ https://example.com/numpy.whl",), False),
    ],
)
def test_what_the_gateway_itself_has(dependencies: tuple[str, ...], satisfied: bool) -> None:
    assert satisfied_here(Script(dependencies)) is satisfied


@pytest.mark.parametrize(("python", "satisfied"), [("", True), (">=3.10", True), (">=4", False)])
def test_the_gateways_own_python_is_one_that_the_engine_takes(python: str, satisfied: bool) -> None:
    assert satisfied_here(Script(requires_python=python)) is satisfied
