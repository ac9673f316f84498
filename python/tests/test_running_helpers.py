"""Which stores share a helper, and when it ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import open_store


def test_stores_that_are_opened_in_another_environment_use_another_helper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(tmp_path / "one") as one:
        monkeypatch.setenv("HOLDFAST_TEST_ENVIRONMENT", "other")
        with open_store(tmp_path / "other") as other:
            assert other._helper is not one._helper


def test_a_helper_ends_when_its_last_store_closes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_TEST_ENVIRONMENT", "of its own")
    one, other = open_store(tmp_path / "one"), open_store(tmp_path / "other")
    helper = one._helper
    assert helper is not None
    assert other._helper is helper
    one.close()
    assert helper.is_running
    assert other.list() == []
    other.close()
    with pytest.raises(ProcessLookupError):  # the close has waited for it
        os.kill(helper.pid, 0)
