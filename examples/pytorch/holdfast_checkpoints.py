"""Saves and restores checkpoints with the command line of Holdfast. HOLDFAST_STORE names the store."""

import json
import subprocess


def save(files, step, state):
    """Saves files and the data state of this step. Raises CalledProcessError if the save fails."""
    command = ["holdfast", "save", *files, "--step", str(step), "--data-state", json.dumps(state)]
    subprocess.run(command, check=True)


def restore(folder):
    """
    Restores the latest good checkpoint into a folder, and returns its data state.

    Returns None for a fresh run: the store can be read and has no checkpoint, or does not exist yet. Raises
    CalledProcessError for every other failure, so that a run never starts again from step 0 because its store could
    not be read.
    """
    restored = holdfast("restore", "latest", "--to", folder, "--fallback", "--if-any")
    restored.check_returncode()
    return last_line(restored).get("dataState")  # without a checkpoint there is none


def holdfast(*words):
    """Runs a command and captures its JSON. Its errors go to the log of this program."""
    return subprocess.run(["holdfast", *words, "--json"], stdout=subprocess.PIPE, text=True)


def last_line(result):
    return json.loads(result.stdout.splitlines()[-1])
