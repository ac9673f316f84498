from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import holdfast_checkpoints as holdfast

SOURCES = Path(__file__).parents[1] / "src"

#: Seconds until a test gives up. Only a hang takes as long, also on a slow and busy machine.
LONG = 600


def pytest_configure() -> None:
    # Processes that the tests start must find the same package.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(SOURCES), os.environ.get("PYTHONPATH")]))
    os.environ.pop("HOLDFAST_STORE", None)


@pytest.fixture(params=["disk", "s3"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new place for a store, on a disk and on an S3 server."""
    if request.param == "disk":
        return str(tmp_path / "store")
    bucket = os.environ.get("HOLDFAST_TEST_S3")
    if bucket is None:
        pytest.skip("HOLDFAST_TEST_S3 names no bucket")
    return bucket.replace("?", f"/{uuid.uuid4()}?", 1)


@pytest.fixture
def store(location: str) -> Iterator[holdfast.Store]:
    with open_store(location) as opened:
        yield opened


@pytest.fixture
def disk_store(tmp_path: Path) -> Iterator[holdfast.Store]:
    with open_store(tmp_path / "store") as opened:
        yield opened


def open_store(location: str | Path, **options: Any) -> holdfast.Store:
    """Opens a store in the helper that the tests share. Pytest changes an environment variable for each test."""
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    if any("s3:" in str(place) for place in (location, options.get("mirror"))):
        options["adapters"] = ["@holdfast/adapter-s3"]  # the working folder of the tests has it
    return holdfast.open(location, config=False, **options)


@pytest.fixture(scope="session", autouse=True)
def shared_helper() -> Iterator[None]:
    """Keeps the helper running between tests, since starting one takes time."""
    with open_store("mem:"):
        yield


@contextmanager
def running(*words: object, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """
    Runs another Python with these words, in a session of its own. At the end, kills it and its children.

    Pytest shows what it writes to standard error if the test fails.
    """
    program = subprocess.Popen(
        [sys.executable, *map(str, words)],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield program
    finally:
        with suppress(ProcessLookupError, PermissionError):  # macOS refuses a signal to processes that have ended
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()
        if program.stdout is not None:
            program.stdout.close()


def leftovers(folder: Path) -> list[Path]:
    """Returns the files of attempts in a store on a disk."""
    data = folder / "data"
    return [path for path in data.rglob("*") if path.is_file()] if data.exists() else []
