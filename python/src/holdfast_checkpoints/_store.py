"""The store of a run."""

from __future__ import annotations

import atexit
import io
import logging
import os
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, Union, overload

from . import _running_helpers
from ._background import SaveHandle
from ._callback import Callback
from ._contents import Files, Path, absolute, copied, send_save
from ._helper_connection import TIME_TO_END, EventListener, Helper, ProgressListener
from ._save_options import SaveOptions, save_params
from ._streams import Download, DownloadReader
from ._values import sent_metrics, sent_step, without_none
from .checkpoints import (
    Checkpoint,
    CheckpointDetails,
    Dropped,
    FileTensors,
    ListedCheckpoint,
    MeasuredStep,
    MirrorStatus,
    Quarantined,
    Restored,
    Saved,
    attached_of,
    checkpoint_of,
    details_of,
    dropped_of,
    event_of,
    listed_of,
    measured_of,
    mirror_status_of,
    quarantined_of,
    restored_of,
    saved_of,
    tensors_of,
)
from .errors import HoldfastError, InvalidArgument

if TYPE_CHECKING:
    from typing_extensions import Unpack

log = logging.getLogger("holdfast_checkpoints")

#: A step, "latest", "best" or "best:OBJECTIVE".
Choice = Union[int, str]

#: The events that are logged as warnings. Others are logged as information.
_WARNINGS = frozenset(
    [
        "quarantined",
        "rebuilt",
        "spaceLow",
        "cleanupFailed",
        "clockDoubted",
        "notFinite",
        "unscored",
        "ignoredConfig",
        "retry",
    ]
)

_open_stores: weakref.WeakSet[Store] = weakref.WeakSet()


class Store:
    """
    The checkpoints of one run. `open` returns a store.

    Any thread may use it. If the helper process ends, the running call raises Unavailable, and the next call starts a
    new helper. Every method raises HoldfastError, whose `code` names the kind of error.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        #: A signal handler that interrupts the opening may open the store, too.
        self._opening = threading.RLock()
        self._connection: tuple[Helper, int] | None = None
        self._owner = os.getpid()
        self._is_closed = False
        #: Held by the thread that begins a save in the background. A signal handler may interrupt it and begin another.
        self._turn = threading.RLock()
        #: One save, or two if a signal handler has begun one at the same moment.
        self._background: list[SaveHandle] = []
        self._background_error: BaseException | None = None
        #: Events are logged by a thread of their own, since a signal handler may interrupt a thread that logs.
        self._listeners: list[Callback] = [Callback(self._log)]
        #: The URL of the store, without secrets.
        self.url: str = ""
        self._connect()
        _open_stores.add(self)

    @property
    def ranks(self) -> tuple[int, int] | None:
        """The rank of this process and the number of ranks, if it was opened with `ranks`."""
        ranks = self._options.get("ranks")
        return None if ranks is None else (ranks["rank"], ranks["size"])

    def __repr__(self) -> str:
        return f"<holdfast_checkpoints.Store {self.url}>"

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """
        Waits for running calls, releases the ownership of the store, and ends the helper if nothing else uses it.

        Raises the error of a save in the background that nobody has read.
        """
        if self._owner == os.getpid() and not self._is_closed:
            try:
                self._finish_background()
            finally:
                self._disconnect()

    def _disconnect(self) -> None:
        with self._opening:
            self._is_closed = True
            connection, self._connection = self._connection, None
        _open_stores.discard(self)
        try:
            if connection is not None and connection[0].is_running:
                helper, number = connection
                helper.call("closeStore", {"store": number})
        finally:
            if connection is not None:
                _running_helpers.release(connection[0])
            self._end_listeners()

    def _end_listeners(self) -> None:
        for listener in self._listeners:
            listener.end()
        for listener in self._listeners:
            listener.wait(TIME_TO_END)

    def on_event(self, listener: Callable[[str, Mapping[str, Any]], None]) -> None:
        """
        Calls the listener with the name and the members of each event, such as "saved", "dropped" and "retry".

        It is called in a thread of its own, soon after the event, and may call the store. What it raises is logged.
        Events are also logged by the logger holdfast_checkpoints.
        """
        self._listeners.append(Callback(listener))

    # Save and restore

    def save(
        self,
        step: int,
        files: Files,
        *,
        on_progress: ProgressListener | None = None,
        **options: Unpack[SaveOptions],
    ) -> Saved:
        """
        Saves a checkpoint, and returns when it is durable and committed.

        `files` are contents by name, or paths of files and folders. A content is a path, bytes, a binary file, an
        iterable of bytes, or a function that writes to a binary file: `lambda file: torch.save(state, file)`. It is
        streamed. If it raises, nothing is saved and the exception is raised. `SaveOptions` describes the options:
        epoch, metrics, tags, metadata, data_state, exclude, on_existing, allow_best, require_finite, packs and
        unchanged. `on_progress` is called with the bytes that are done and, if it is known, their total, in a thread of
        its own. A slow function gets only the newest report. What it raises is logged.

        Raises AlreadyExists, NoSpace, Fenced, OutcomeUnknown, InvalidArgument, NotFound and others.
        """
        params = save_params(step, options)
        helper, number = self._connect()
        return saved_of(send_save(helper, {"store": number, **params}, files, on_progress).finish())

    def save_async(self, step: int, files: Files, **options: Unpack[SaveOptions]) -> SaveHandle:
        """
        Saves a checkpoint in the background, as `save` does. Returns as soon as the tensors are copied.

        Copies the tensors of a dict to host memory, and bytes. A thread writes them with torch.save into the store,
        without a file in between. Files, and what a function writes, must not change until the save has ended. One save
        runs at a time: a further one first waits for it. If nobody reads the error of a save, `flush` or `close`
        raises it.
        """
        params = save_params(step, options)
        self._refuse_in_child()
        while True:
            self._await_background()
            handle = self._begun(params, files)
            if handle is not None:
                return handle

    def restore(
        self,
        choice: Choice = "latest",
        to: Path | None = None,
        *,
        fallback: bool = False,
        files: Sequence[str] | None = None,
        exact: bool = False,
        max_tries: int | None = None,
        on_progress: ProgressListener | None = None,
    ) -> Restored | None:
        """
        Restores a verified checkpoint into a folder. Returns None if there is none yet, so a fresh run can begin.

        Without `to`, the folder is temporary, and stays until `close()` of the result or the end of the program: use
        `with`. `files` are names, and patterns such as `rank3/*`: by default all files are restored. With `fallback`, a
        corrupt checkpoint is set aside, and the next older good one is restored. With `max_tries`, a checkpoint that
        was restored that often without a later save is skipped: see `mark_good`. Raises NotFound if the step is not
        saved, and Corrupt.
        """
        temporary: TemporaryDirectory[str] | None = None
        if to is None:
            temporary = TemporaryDirectory(prefix="holdfast-")
            folder = temporary.name
        else:
            folder = absolute(to)
        try:
            json = self._call(
                "restore",
                {
                    "choice": sent_choice(choice),
                    "to": folder,
                    "fallback": fallback,
                    "exact": exact,
                    **without_none(files=None if files is None else list(files), maxTries=max_tries),
                },
                on_progress,
            )
        except BaseException:
            if temporary is not None:
                temporary.cleanup()
            raise
        if json is None:
            if temporary is not None:
                temporary.cleanup()
            return None
        return restored_of(json, FilePath(folder), temporary)

    def read(self, choice: Choice, file: str, *, range: tuple[int, int | None] | None = None) -> io.BufferedReader:
        """
        Opens a file of a checkpoint as a stream, which cannot seek. Its end is reached only if every byte is verified.

        Reading raises Corrupt otherwise. Then discard what was read before. With `range=(start, end)`, only these bytes
        are read. They are not verified, because the digest is that of the whole file. `end` is exclusive, and None is
        the end of the file.
        """
        helper, number = self._connect()
        download = Download()
        sent_range = None if range is None else without_none(start=range[0], end=range[1])
        params = {
            "store": number,
            "choice": sent_choice(choice),
            "file": file,
            "stream": download,
            **without_none(range=sent_range),
        }
        call = helper.start("read", params, [download])
        try:
            call.result()
        except BaseException:
            helper.release(download)
            raise
        download.start()
        return io.BufferedReader(DownloadReader(download, lambda: helper.release(download)), 2**20)

    def path(self, choice: Choice, file: str) -> FilePath:
        """
        Returns the path of a file of a checkpoint in the store, for programs that read it in place.

        The bytes are not verified, and the path ends with the checkpoint. Raises Unsupported if the store is not on a
        disk of this machine.
        """
        return FilePath(self._call("localPath", {"choice": sent_choice(choice), "file": file}))

    # Look

    @overload
    def list(self, *, metadata: Literal[False] = False) -> Sequence[Checkpoint]: ...
    @overload
    def list(self, *, metadata: Literal[True]) -> Sequence[ListedCheckpoint]: ...
    def list(self, *, metadata: bool = False) -> Sequence[Checkpoint]:
        """
        Returns all checkpoints except quarantined ones, in the order of their steps.

        With `metadata=True`, each has its metadata. Metadata of up to 512 bytes of JSON is part of the list, and larger
        metadata takes one read each.
        """
        listed = self._call("list", {"metadata": metadata})
        return [listed_of(each) for each in listed] if metadata else [checkpoint_of(each) for each in listed]

    def latest(self) -> Checkpoint | None:
        """Returns the checkpoint that was saved last."""
        return _optional(self._call("latest"))

    def best(self, objective: str | None = None) -> Checkpoint | None:
        """Returns the best checkpoint of the named or only objective. None if no checkpoint has its metric."""
        return _optional(self._call("best", without_none(objective=objective)))

    def get(self, choice: Choice) -> CheckpointDetails | None:
        """Returns a checkpoint with its files, metadata and data state, or None if it does not exist."""
        json = self._call("get", {"choice": sent_choice(choice)})
        return None if json is None else details_of(json)

    def tensors(self, choice: Choice = "latest") -> Sequence[FileTensors]:
        """
        Returns the names, types and shapes of the tensors in each safetensors and torch file of a checkpoint.

        Reads only the parts of the files that describe tensors, and executes nothing of them. Raises NotFound.
        """
        return [tensors_of(each) for each in self._call("tensors", {"choice": sent_choice(choice)})]

    def abandoned(self) -> Sequence[Checkpoint]:
        """Returns the checkpoints that rewinds left behind, in the order of their saves."""
        return [checkpoint_of(each) for each in self._call("abandoned")]

    def next_drops(self) -> Sequence[Mapping[str, Any]]:
        """
        Returns what the next save would drop by the retention in force, if it has the size of the latest checkpoint.

        Each has `step`, `because`, `bytes` and `isAbandoned`.
        """
        return list(self._call("nextDrops"))

    def history(self) -> Sequence[Mapping[str, Any]]:
        """Returns the latest commits, the oldest first. Each has `version`, `at`, `did` and `dropped`."""
        return list(self._call("history"))

    def presence(self) -> Literal["absent", "empty", "filled"]:
        """Returns whether the store exists and has checkpoints. Tells a fresh run from a mistyped location."""
        presence: Literal["absent", "empty", "filled"] = self._call("presence")
        return presence

    def unfinished_saves(self) -> Mapping[str, Any]:
        """Returns the uncommitted saves of other writers: running ones, and those that killed writers left."""
        unfinished: Mapping[str, Any] = self._call("unfinishedSaves")
        return unfinished

    def unfinished_joint_saves(self) -> Sequence[Mapping[str, Any]]:
        """
        Returns the checkpoints that the ranks of a job are saving together and have not committed.

        Each has `step`, `size` (the number of ranks), `missing` (the ranks that have not delivered) and `since`.
        """
        return list(self._call("unfinishedJointSaves"))

    def quarantined(self) -> Sequence[Quarantined]:
        """Returns the corrupt checkpoints that were set aside."""
        return [quarantined_of(each) for each in self._call("quarantined")]

    def metrics(self) -> Sequence[MeasuredStep]:
        """Returns the metrics of every step that ever had metrics, also if its checkpoint was deleted."""
        return [measured_of(each) for each in self._call("metrics")]

    def unscored(self) -> Sequence[Mapping[str, Any]]:
        """Returns the objectives that have no value yet, with the metrics that are recorded."""
        return list(self._call("unscored"))

    def plateau(self, objective: str) -> Mapping[str, Any]:
        """Returns how long an objective has not improved, for early stopping."""
        plateau: Mapping[str, Any] = self._call("plateau", {"objective": objective})
        return plateau

    # Decide what is kept

    def attach(self, step: int, metrics: Mapping[str, Any]) -> Mapping[str, Any]:
        """Adds metrics to a saved checkpoint, for example those of a slow evaluation, and judges the best again."""
        return attached_of(self._call("attach", {"step": sent_step(step), "metrics": sent_metrics(metrics)}))

    def pin(self, step: int, reason: str | None = None) -> None:
        """Protects a checkpoint from every deletion."""
        self._call("pin", {"step": sent_step(step), **without_none(reason=reason)})

    def unpin(self, step: int) -> None:
        self._call("unpin", {"step": sent_step(step)})

    def join(self, *, fallback: bool = False) -> int | None:
        """
        Joins a job of many ranks without restoring files. Every rank calls `restore` or `join` when it starts.

        Returns the step from which the job continues, or None if it starts from the beginning.
        """
        step: int | None = self._call("join", {"fallback": fallback}).get("step")
        return step

    def rewind(self, step: int, *, dry_run: bool = False) -> Mapping[str, Any]:
        """
        Returns to an older checkpoint, which becomes the latest. Later checkpoints are abandoned: their steps are free.

        The next save drops an abandoned checkpoint unless it is pinned, is the best, or a rule of the retention keeps
        it. Returns the step and what was abandoned.
        """
        report: Mapping[str, Any] = self._call("rewind", {"step": sent_step(step), "dryRun": dry_run})
        return report

    def mark_good(self, step: int) -> None:
        """Ends the count of restores of a checkpoint, because the run works with it. See `max_tries` of `restore`."""
        self._call("markGood", {"step": sent_step(step)})

    def copy_to(
        self,
        destination: Store,
        checkpoints: Sequence[Choice] | None = None,
        *,
        to_step: int | None = None,
        pins: bool = False,
        metrics: bool = False,
        on_existing: Literal["fail", "replace"] | None = None,
        allow_best: bool | None = None,
        dry_run: bool = False,
        on_progress: ProgressListener | None = None,
    ) -> Sequence[Mapping[str, Any]]:
        """
        Copies checkpoints into another store, by default all that it does not have. Every byte is verified on its way.

        Returns an outcome for each checkpoint with its `step` and `kind`: "copied", "there", "updated", "skipped" or
        "failed". A checkpoint that is corrupt here fails, and the others are copied. An interrupted copy continues.
        With `allow_best`, "replace" also replaces the best checkpoint of an objective.
        """
        helper, number = self._connect()
        other, there = destination._connect()
        if other is not helper:
            raise InvalidArgument(
                "The two stores were opened with different environment variables or working folders. "
                "Open them one after the other."
            )
        params = {
            "store": number,
            "to": there,
            "pins": pins,
            "metrics": metrics,
            "dryRun": dry_run,
            **without_none(
                checkpoints=None if checkpoints is None else [sent_choice(each) for each in checkpoints],
                toStep=None if to_step is None else sent_step(to_step),
                onExisting=on_existing,
                allowBest=allow_best,
            ),
        }
        outcomes: Sequence[Mapping[str, Any]] = helper.start("copy", params, (), on_progress).result()["outcomes"]
        return outcomes

    def prune(self, *, dry_run: bool = False, undo_for: str | None = None) -> Mapping[str, Any]:
        """
        Applies the retention, as each save does. Returns what is kept and dropped, and why.

        With `undo_for`, such as "1 d", or a `grace` of the retention, `undo` lists again what it dropped.
        """
        params = {"dryRun": dry_run, **without_none(undoFor=undo_for)}
        report: Mapping[str, Any] = self._call("prune", params)
        return report

    def delete(
        self, steps: Sequence[int], *, allow_best: bool = False, undo_for: str | None = None
    ) -> Sequence[Dropped]:
        """
        Deletes checkpoints. Refuses pinned ones, the last good one and, without `allow_best`, the best ones.

        With `undo_for`, such as "1 d", or a `grace` of the retention, `undo` lists them again.
        """
        params = {
            "steps": [sent_step(each) for each in steps],
            "allowBest": allow_best,
            **without_none(undoFor=undo_for),
        }
        return [dropped_of(each) for each in self._call("delete", params)]

    def undo(self, steps: Sequence[int] | None = None, *, dry_run: bool = False) -> Sequence[Mapping[str, Any]]:
        """
        Lists checkpoints again that `delete` or `prune` removed: those of the last call, or those of `steps`.

        Returns them with their `step`, `bytes`, `because`, and `nextDropBecause` if the next save drops them again.
        Raises `NotFound` if there is nothing to undo, and `AlreadyExists` if a step was saved again.
        """
        params = {
            "dryRun": dry_run,
            **without_none(steps=None if steps is None else [sent_step(each) for each in steps]),
        }
        undone: Sequence[Mapping[str, Any]] = self._call("undo", params)
        return undone

    def removed(self) -> Sequence[Mapping[str, Any]]:
        """Returns the deleted checkpoints that `undo` can list again, with `step`, `bytes` and `undoUntil`."""
        removed: Sequence[Mapping[str, Any]] = self._call("removed")
        return removed

    def forget_objective(self, name: str) -> None:
        """Removes an objective that the store records. It can then be defined differently."""
        self._call("forgetObjective", {"name": name})

    def mirror_status(self) -> MirrorStatus | None:
        """Returns how far the mirror is, as far as the store knows it, or None without a mirror."""
        json = self._call("mirrorStatus")
        return None if json is None else mirror_status_of(json)

    def flush_mirror(self) -> MirrorStatus | None:
        """Copies to the mirror what it lacks, and waits. A failure of the mirror is in the returned status."""
        json = self._call("flushMirror")
        return None if json is None else mirror_status_of(json)

    def forget_mirror(self) -> None:
        """Forgets a mirror that is not used any more, so that no checkpoint is kept for it."""
        self._call("forgetMirror")

    # Check and mend

    def verify(
        self,
        steps: Sequence[int] | None = None,
        *,
        quick: bool = False,
        on_progress: ProgressListener | None = None,
    ) -> Mapping[str, Any]:
        """Verifies checkpoints and the documents of the store. `report["good"]` is False if something is wrong."""
        given = without_none(steps=None if steps is None else [sent_step(each) for each in steps])
        report: Mapping[str, Any] = self._call("verify", {**given, "quick": quick}, on_progress)
        return report

    def sweep(self, *, dry_run: bool = False, now: bool = False) -> Mapping[str, Any]:
        """
        Deletes the leftovers of crashed and fenced writers.

        With `now`, it takes the store over first and also deletes the unfinished saves of all other writers, which ends
        those that still run.
        """
        report: Mapping[str, Any] = self._call("sweep", {"dryRun": dry_run, "now": now})
        return report

    def repair(self) -> Mapping[str, Any]:
        """Rebuilds a lost or damaged catalog from the checkpoints in the store. It can be repeated."""
        report: Mapping[str, Any] = self._call("repair")
        return report

    def doctor(self) -> Sequence[Mapping[str, Any]]:
        """Checks that the store supports everything that a writer needs, by trying it."""
        return list(self._call("doctor"))

    def flush(self) -> None:
        """
        Waits for the save in the background, and until the files of dropped checkpoints are deleted.

        Raises the error of a save in the background that nobody has read.
        """
        self._finish_background()
        self._call("flush")

    def _finish_background(self) -> None:
        self._refuse_in_child()
        self._await_background()
        with self._turn:
            error, self._background_error = self._background_error, None
        if error is not None:
            raise error

    def _begun(self, params: Mapping[str, Any], files: Files) -> SaveHandle | None:
        """Begins a save in the background. Returns None if another thread or a signal handler has begun one first."""
        with self._turn:
            if self._background:
                return None
            kept = copied(files)
            helper, number = self._connect()
            if self._background:
                return None
            params = {**params, "store": number, "background": True}
            handle = SaveHandle(
                params["step"],
                lambda: send_save(helper, params, kept),
                lambda: _hurry(helper, number),
            )
            self._background.append(handle)
            return handle

    def _await_background(self) -> None:
        """Holds no lock while it waits, so that a signal handler in the same thread can also wait."""
        for background in list(self._background):
            background.wait()
            with self._turn:
                if background in self._background:
                    self._background_error = self._background_error or background.unread_error
                    self._background.remove(background)

    # The helper

    @property
    def _helper(self) -> Helper | None:
        return None if self._connection is None else self._connection[0]

    def _call(
        self, method: str, params: Mapping[str, Any] | None = None, on_progress: ProgressListener | None = None
    ) -> Any:
        helper, number = self._connect()
        return helper.start(method, {"store": number, **(params or {})}, (), on_progress).result()

    def _refuse_in_child(self) -> None:
        """Comes before every lock, since a thread of the parent may have held it at the moment of the fork."""
        if self._owner != os.getpid():
            raise InvalidArgument(
                f"The store {self.url} was opened in another process, from which this one was forked. "
                "Open it again in this process."
            )

    def _connect(self) -> tuple[Helper, int]:
        """Returns the helper and the number of the store in it. Opens the store again if its helper has ended."""
        self._refuse_in_child()
        connection = self._connection
        if connection is not None and connection[0].is_running:
            return connection  # without the lock, for which a signal handler should not have to wait
        with self._opening:
            if self._is_closed:
                raise InvalidArgument(f"The store {self.url} is closed. Open it again.")
            connection = self._connection
            if connection is not None:
                if connection[0].is_running:
                    return connection
                self._connection = None
                _running_helpers.release(connection[0])
            return self._opened()

    def _opened(self) -> tuple[Helper, int]:
        """Opens the store in a helper. Keeps the connection of a signal handler that has opened it meanwhile."""
        helper = _running_helpers.acquire()
        try:
            number = helper.open_store(self._options, self._on_opened)
        except BaseException:
            _running_helpers.release(helper)
            raise
        if self._connection is None:
            self._connection = helper, number
        else:
            helper.start("closeStore", {"store": number})
            _running_helpers.release(helper)
        return self._connection

    def _on_opened(self, opened: Mapping[str, Any]) -> EventListener:
        self.url = opened["url"]
        return self._on_event

    def _on_event(self, name: str, json: Mapping[str, Any]) -> None:
        event = event_of(json)
        for listener in self._listeners:
            listener(name, event)

    def _log(self, name: str, event: Mapping[str, Any]) -> None:
        log.log(logging.WARNING if name in _WARNINGS else logging.INFO, "%s: %s %s", self.url, name, dict(event))


def sent_choice(choice: Choice) -> Choice:
    return choice if isinstance(choice, str) else sent_step(choice)


def _hurry(helper: Helper, number: int) -> None:
    """States that something waits for the save in the background."""
    try:
        helper.start("hurry", {"store": number})
    except HoldfastError:
        pass  # the helper has ended, and the save reports it


def _optional(json: Mapping[str, Any] | None) -> Checkpoint | None:
    return None if json is None else checkpoint_of(json)


@atexit.register
def _close_all() -> None:
    for store in list(_open_stores):
        try:
            store.close()
        except Exception as error:
            log.error("%s could not be closed: %s", store.url, error)
