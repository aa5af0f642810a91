"""A real S3 server: SeaweedFS in one process, a bucket of its own for every test that asks.

``weed server`` runs master, volume, filer and the S3 gateway; a bucket is a folder of the filer,
so that tests need no admin call of the S3 protocol.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

ACCESS_KEY = "hefu-tests"
SECRET_KEY = "secret-key-of-the-tests-only"
READ_ONLY = ("hefu-nobody", "secret-key-without-rights")
"""An account that exists and may do nothing."""
_START_SECONDS = 60


@dataclass(frozen=True)
class S3Server:
    """``endpoint`` is the S3 gateway's address; access by :data:`ACCESS_KEY`."""

    endpoint: str
    filer: str

    def create_bucket(self, name: str) -> str:
        """Make an empty bucket; returns its name."""
        requests.post(f"{self.filer}/buckets/{name}/", timeout=30).raise_for_status()
        return name

    def store(self, bucket: str, **more: Any) -> Any:
        """An obstore ``S3Store`` with the right keys, to write and read with."""
        from obstore.store import S3Store

        return S3Store(
            bucket,
            endpoint=self.endpoint,
            region="us-east-1",
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            client_options={"allow_http": True},
            **more,
        )

    def put(self, bucket: str, key: str, data: bytes) -> None:
        self.store(bucket).put(key, data)

    def get(self, bucket: str, key: str) -> bytes:
        return bytes(self.store(bucket).get(key).bytes())

    def delete(self, bucket: str, key: str) -> None:
        self.store(bucket).delete(key)


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listened on a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _accounts() -> dict[str, Any]:
    def identity(name: str, access: str, secret: str, actions: list[str]) -> dict[str, Any]:
        keys = [{"accessKey": access, "secretKey": secret}]
        return {"name": name, "credentials": keys, "actions": actions}

    return {
        "identities": [
            identity(
                "tests", ACCESS_KEY, SECRET_KEY, ["Admin", "Read", "List", "Tagging", "Write"]
            ),
            identity("nobody", *READ_ONLY, ["Read:another-bucket"]),
            {"name": "anonymous", "actions": ["Read:public", "List:public"]},
        ]
    }


@contextmanager
def running(folder: Path) -> Iterator[S3Server]:
    """A server with its data below ``folder``; killed at the end, whatever happens."""
    weed = Path(sys.executable).with_name("weed")
    (folder / "data").mkdir(parents=True)
    (folder / "s3.json").write_text(json.dumps(_accounts()))
    s3, filer, master, volume, *grpc = free_ports(8)
    command = [
        str(weed),
        "-logtostderr=true",
        "server",
        f"-dir={folder / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-master.port={master}",
        f"-master.port.grpc={grpc[0]}",
        "-master.volumeSizeLimitMB=1024",
        "-master.electionTimeout=1s",
        "-master.telemetry=false",
        f"-volume.port={volume}",
        f"-volume.port.grpc={grpc[1]}",
        "-volume.max=1000",
        "-volume.preStopSeconds=0",
        "-filer",
        f"-filer.port={filer}",
        f"-filer.port.grpc={grpc[2]}",
        "-s3",
        f"-s3.port={s3}",
        f"-s3.port.grpc={grpc[3]}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={folder / 's3.json'}",
    ]
    # One volume for a new bucket, not seven.
    environment = {**os.environ, "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}
    with (folder / "weed.log").open("wb") as log:
        # It may not outlive the tests when they are killed: the kernel ends it with its parent.
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=environment,
            preexec_fn=_die_with_parent,
        )
    try:
        server = S3Server(f"http://127.0.0.1:{s3}", f"http://127.0.0.1:{filer}")
        _wait(server, process, folder / "weed.log")
        yield server
    finally:
        process.kill()  # it has nothing to keep, and takes its time when asked to go
        process.wait()


def _die_with_parent() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _wait(server: S3Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until a written object can be read."""
    from obstore.exceptions import BaseError

    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            # The filer comes up before the gateway: the second time the bucket is there.
            made = requests.post(f"{server.filer}/buckets/ready/", timeout=30)
            if made.status_code != requests.codes.conflict:
                made.raise_for_status()
            server.store("ready", retry_config={"max_retries": 0}).put("ready", b"1")
        except (BaseError, requests.RequestException):
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
            continue
        return
    tail = log.read_bytes()[-2000:].decode(errors="replace")
    raise RuntimeError(f"the S3 server did not start (exit {process.poll()}):\n{tail}")


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One server for all tests of a session."""
    with running(tmp_path_factory.mktemp("s3")) as server:
        yield server
