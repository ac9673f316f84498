"""The helpers that run for this process. Stores that were opened in the same environment share one."""

from __future__ import annotations

import os
import threading

from ._helper_connection import Helper

#: A signal handler that interrupts `acquire` may open a store, too.
_lock = threading.RLock()
_users: dict[Helper, int] = {}
_environments: dict[Helper, object] = {}


def acquire() -> Helper:
    """Returns a helper that runs with the environment variables and in the working folder of now."""
    environment = (os.getcwd(), dict(os.environ))
    with _lock:
        for helper, known in list(_environments.items()):
            if helper.is_running and known == environment:
                _users[helper] += 1
                return helper
        helper = Helper()
        _users[helper] = 1
        _environments[helper] = environment
        return helper


def release(helper: Helper) -> None:
    """Ends the helper if no store uses it any more."""
    with _lock:
        if helper not in _users:
            return
        _users[helper] -= 1
        if _users[helper] > 0:
            return
        del _users[helper], _environments[helper]
    helper.close()


def _forget_after_fork() -> None:
    global _lock
    _lock = threading.RLock()
    for helper in _users:
        helper.forget()
    _users.clear()
    _environments.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
