"""How a helper starts, and what is raised if it cannot start."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import open_store

import holdfast_checkpoints as holdfast


def program_at(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return path


def test_names_the_variable_if_its_node_does_not_exist_or_may_not_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "node"
    for text in (None, "no program"):
        if text is not None:
            file.write_text(text)
        monkeypatch.setenv("HOLDFAST_NODE", str(file))
        with pytest.raises(holdfast.ConfigError, match="Set HOLDFAST_NODE to"):
            open_store("mem:")


def test_reports_what_a_node_says_that_refuses_to_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    node = program_at(tmp_path / "node", "echo 'Node.js 18 is too old' >&2; exit 2")
    monkeypatch.setenv("HOLDFAST_NODE", str(node))
    with pytest.raises(holdfast.ConfigError, match=r"exit code 2\. Node\.js 18 is too old") as caught:
        open_store("mem:")
    assert not caught.value.retryable


def test_ends_a_helper_that_speaks_another_protocol(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    error = {"code": -32000, "message": "no", "data": {"code": "UNSUPPORTED", "message": "no"}}
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "error": error})
    frame = "".join(f"\\{byte:03o}" for byte in b"C" + bytes(4) + len(text).to_bytes(4, "big")) + text
    (tmp_path / "frame").write_text(frame)
    # It reads the beginning of the call first, since a response before the call has no receiver.
    answer = f"""head -c 1 > /dev/null; printf "$(cat {tmp_path}/frame)" """
    script = f"{answer}; cat > /dev/null; echo ended > {tmp_path}/ended"
    monkeypatch.setenv("HOLDFAST_NODE", str(program_at(tmp_path / "node", script)))
    with pytest.raises(holdfast.Unsupported):
        open_store("mem:")
    assert (tmp_path / "ended").read_text() == "ended\n"


def test_the_command_finds_its_node_by_the_path_as_open_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program_at(tmp_path / "other-node", 'shift; echo "$@"')
    monkeypatch.setenv("HOLDFAST_NODE", "other-node")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    words = [sys.executable, "-c", "from holdfast_checkpoints._command import main; main()", "ls"]
    assert subprocess.run(words, capture_output=True, text=True).stdout == "ls\n"
    monkeypatch.setenv("HOLDFAST_NODE", "no-such-node")
    ended = subprocess.run(words, capture_output=True, text=True)
    assert (ended.returncode, "HOLDFAST_NODE" in ended.stderr) == (2, True)


def test_works_without_the_calls_that_windows_lacks(
    monkeypatch: pytest.MonkeyPatch, disk_store: holdfast.Store
) -> None:
    monkeypatch.delattr(os, "writev")
    assert disk_store.save(1, {"a.bin": bytes(2**21)}).step == 1


def test_warns_of_a_configuration_file_that_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "holdfast.config.json"
    file.write_text("{}")
    file.chmod(0o666)  # everyone may write to it
    monkeypatch.chdir(tmp_path)
    with caplog.at_level(logging.WARNING, "holdfast_checkpoints"), holdfast.open(tmp_path / "store") as store:
        url = store.url
    assert [record.levelname for record in caplog.records if f"{url}: ignoredConfig" in record.message] == ["WARNING"]
    assert url != "" and str(file) in caplog.text
