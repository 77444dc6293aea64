from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stentor.lifecycle.servers.container_request import (
    Wanted,
    addresses,
    creation,
    folder_label,
    used_memory,
)
from stentor.lifecycle.servers.served import Address

SOCKET = "unix:///run/docker.sock"


def test_what_docker_create_would_have_said() -> None:
    """docker create --gpus all -v ./voices:/app/voices:ro … --network my-network"""
    wanted = Wanted(
        image="tts-inference-server:latest",
        port=8006,
        env={"A": "b=c"},
        volumes=("./voices:/app/voices:ro", "cache:/root/.cache", "~/clips:/clips"),
        gpus="all",
        network="my-network",
        shm_size=2**30,
    )
    assert creation(wanted, {"stentor": "x"}) == {
        "Image": "tts-inference-server:latest",
        "Env": ["A=b=c"],
        "ExposedPorts": {"8006/tcp": {}},
        "Labels": {"stentor": "x"},
        "HostConfig": {
            "Binds": [
                f"{Path.cwd()}/voices:/app/voices:ro",
                "cache:/root/.cache",
                f"{Path.home()}/clips:/clips",
            ],
            "PortBindings": {"8006/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]},
            "NetworkMode": "my-network",
            "ShmSize": 2**30,
            "DeviceRequests": [{"Driver": "nvidia", "Capabilities": [["gpu"]], "Count": -1}],
        },
    }


def test_some_gpus_and_a_command() -> None:
    body = creation(Wanted(image="x", gpus=["1", "GPU-2"], command=("serve", "--fast")), {})
    assert body["Cmd"] == ["serve", "--fast"]
    (request,) = body["HostConfig"]["DeviceRequests"]
    assert request["DeviceIDs"] == ["1", "GPU-2"]
    assert "Count" not in request


def test_on_the_machines_own_network_nothing_is_published() -> None:
    body = creation(Wanted(image="x", network="host"), {})
    assert "PortBindings" not in body["HostConfig"]


def shown(
    ports: list[dict[str, str]] | None, networks: dict[str, str] | None = None, mode: str = "bridge"
) -> dict[str, Any]:
    return {
        "HostConfig": {"NetworkMode": mode},
        "NetworkSettings": {
            "Ports": {"80/tcp": ports},
            "Networks": {name: {"IPAddress": ip} for name, ip in (networks or {}).items()},
        },
    }


@pytest.mark.parametrize(
    ("told", "docker", "expected"),
    [
        (shown([{"HostIp": "127.0.0.1", "HostPort": "9"}]), SOCKET, [("127.0.0.1", 9)]),
        (shown([{"HostIp": "0.0.0.0", "HostPort": "9"}]), SOCKET, [("127.0.0.1", 9)]),
        (
            shown([{"HostIp": "0.0.0.0", "HostPort": "9"}, {"HostIp": "::", "HostPort": "9"}]),
            "tcp://gaming-pc:2375",
            [("gaming-pc", 9)],
        ),
        (
            shown([{"HostIp": "192.168.1.2", "HostPort": "9"}], {"mine": "10.1.0.2"}),
            SOCKET,
            [("192.168.1.2", 9), ("10.1.0.2", 80)],
        ),
        (shown(None, {"mine": "10.1.0.2", "other": ""}), SOCKET, [("10.1.0.2", 80)]),
        (shown(None, mode="host"), SOCKET, [("127.0.0.1", 80)]),
        (shown(None), SOCKET, []),
    ],
)
def test_where_it_is_reached(
    told: dict[str, Any], docker: str, expected: list[tuple[str, int]]
) -> None:
    assert addresses(told, 80, docker) == [Address(*each) for each in expected]


@pytest.mark.parametrize(
    ("memory", "expected"),
    [
        ({"usage": 100, "stats": {"inactive_file": 30}}, 70),
        ({"usage": 100, "stats": {"total_inactive_file": 40}}, 60),
        ({"usage": 100}, 100),
        ({"usage": 10, "stats": {"inactive_file": 30}}, 0),
        ({}, None),
        (None, None),
    ],
)
def test_memory_without_what_is_only_cached(memory: Any, expected: int | None) -> None:
    assert used_memory({"memory_stats": memory}) == expected


def test_a_folder_is_the_same_by_any_way_to_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert folder_label(tmp_path) == folder_label(tmp_path / "link")
    assert folder_label(tmp_path) != folder_label(tmp_path / "other")
    assert str(tmp_path) not in folder_label(tmp_path)
