"""Keeps the checkpoints of torch.distributed.checkpoint (DCP) in a store."""

from __future__ import annotations

import io
import os
import queue
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any, cast

import torch.distributed as dist
from torch.distributed.checkpoint.filesystem import FileSystemBase, FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.metadata import Metadata
from torch.distributed.checkpoint.planner import LoadPlan, LoadPlanner, SavePlan, SavePlanner
from torch.distributed.checkpoint.storage import WriteResult
from torch.futures import Future

from ._background import SaveHandle
from ._contents import Later
from ._save_options import SaveOptions
from ._store import Choice, Store
from .checkpoints import Saved
from .errors import Aborted, InvalidArgument, NotFound

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: The file in which DCP describes a checkpoint. The first rank writes it when all others have written theirs.
METADATA = ".metadata"

#: Chunks between DCP and the store that wait in memory.
_CHUNKS = 8

#: Seconds between checks whether the program still runs.
_LOOK = 0.5


class Writer(FileSystemWriter):
    """
    Saves a checkpoint of DCP in a store. Each rank streams its own file, without a file on its disk:

        store = holdfast.open("s3://bucket/runs/a", ranks=(rank, world_size))
        dcp.save(state, storage_writer=Writer(store, step))

    With several ranks, all of them save one checkpoint together, so the store must be opened with `ranks`. `dcp.save`
    returns when the whole checkpoint is committed. `options` are `SaveOptions`, such as `metrics`. A Writer
    saves once. The files are those of DCP's own writer, so a restored folder is one that DCP reads.
    """

    def __init__(self, store: Store, step: int, **options: Unpack[SaveOptions]) -> None:
        _refuse_without_ranks(store, "dcp.save")
        super().__init__(f"step-{step}", single_file_per_rank=True, sync_files=False, thread_count=1)
        self._store = store
        self._step = step
        self._options = options
        self._is_coordinator = True
        self._handle: SaveHandle | None = None
        self._files: dict[str, _Channel] = {}
        self.fs = cast(Any, _Channels(self._files))
        weakref.finalize(self, _fail_all, self._files)

    @property
    def saved(self) -> Saved:
        """The checkpoint. Waits until it is committed. Raises what `Store.save` raises."""
        if self._handle is None:
            raise InvalidArgument("Nothing is saved yet. Pass this writer to dcp.save first.")
        return self._handle.result()

    def set_up_storage_writer(self, is_coordinator: bool, *args: Any, **kwargs: Any) -> None:
        super().set_up_storage_writer(is_coordinator, *args, **kwargs)
        if kwargs.get("use_collectives") is False:
            raise InvalidArgument("The ranks save one checkpoint together. Do not pass use_collectives=False.")
        self._is_coordinator = is_coordinator

    def write_data(self, plan: SavePlan, planner: SavePlanner) -> Future[list[WriteResult]]:
        if self._handle is not None:
            raise InvalidArgument("A Writer saves once. Create another one for the next step.")
        if plan.items:
            self._files[f"{plan.storage_data.prefix}0.distcp"] = _Channel()
        if self._is_coordinator:
            self._files[METADATA] = _Channel()
        contents: dict[str, Any] = {name: Later(channel.copy_to) for name, channel in self._files.items()}
        self._handle = self._store.save_async(self._step, contents, **self._options)
        for channel in self._files.values():
            channel.has_save_ended = self._handle.done
        try:
            return super().write_data(plan, planner)
        except BaseException as error:
            self._raise_reason(error)
            raise

    def finish(self, metadata: Metadata, results: list[list[WriteResult]]) -> None:
        try:
            super().finish(metadata, results)
        except BaseException as error:
            self._raise_reason(error)
            raise
        self.saved  # noqa: B018  waits for the commit

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:
        return True

    def _raise_reason(self, error: BaseException) -> None:
        """Ends the save. Raises its own error if that came first, such as that there is too little space."""
        handle = self._handle
        has_ended = handle is not None and handle.done()
        _fail_all(self._files, error)
        try:
            self.saved  # noqa: B018  waits for its end
        except BaseException as reason:
            if has_ended:
                raise reason from error


class Reader(FileSystemReader):
    """
    Loads a checkpoint of DCP from a store. Every byte is verified. Any number of ranks loads what another number saved:

        dcp.load(state, storage_reader=Reader(store))

    In a store with `ranks`, all ranks load the same step. `choice` is a step, "latest", "best" or "best:OBJECTIVE".
    Each rank fetches the files with its own parts only, and removes them from its disk at the end. So a Reader loads
    once. Raises NotFound if the store is empty, and Corrupt.
    """

    def __init__(self, store: Store, choice: Choice = "latest") -> None:
        _refuse_without_ranks(store, "dcp.load", is_needed=False)
        self._temporary = TemporaryDirectory(prefix="holdfast-dcp-")
        super().__init__(self._temporary.name)
        self._store = store
        self._choice = choice
        self._has_loaded = False
        #: The step that is loaded, once it is known.
        self.step: int | None = None

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        if self._has_loaded:
            raise InvalidArgument("A Reader loads once. Create another one for the next load.")
        if self.step is None:
            restored = self._store.restore(
                self._choice, self._temporary.name, files=[METADATA], fallback=self._choice == "latest"
            )
            if restored is None:
                raise NotFound(f"The store {self._store.url} has no checkpoint to load.")
            self.step = restored.step
        return super().read_metadata(*args, **kwargs)

    def read_data(self, plan: LoadPlan, planner: LoadPlanner) -> Future[None]:
        assert self.step is not None
        for name in sorted({self.storage_data[item.storage_index].relative_path for item in plan.items}):
            path = Path(self._temporary.name, name)
            with self._store.read(self.step, name) as source, path.open("wb") as target:
                while chunk := source.read(2**20):
                    target.write(chunk)
        try:
            return super().read_data(plan, planner)
        finally:
            self._has_loaded = True
            self._temporary.cleanup()

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:
        return True


class _StoreEnded(Exception):
    """The save has ended and takes no more bytes."""


class _Channel(io.RawIOBase):
    """A file that DCP writes in one thread, and that the save reads in another."""

    def __init__(self) -> None:
        self._chunks: queue.Queue[bytes | None] = queue.Queue(_CHUNKS)
        self._failure: BaseException | None = None
        #: A save that fails at once reads no file.
        self.has_save_ended: Callable[[], bool] = lambda: False
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        for start in range(0, view.nbytes, 2**20):
            self._put(bytes(view[start : start + 2**20]))
        self._position += view.nbytes
        return view.nbytes

    def end(self) -> None:
        self._put(None)

    def fail(self, error: BaseException) -> None:
        self._failure = self._failure or error

    def copy_to(self, file: IO[bytes]) -> None:
        """Copies what DCP writes. Raises if DCP fails, or if the program ends."""
        while (chunk := self._take()) is not None:
            file.write(chunk)

    def _put(self, chunk: bytes | None) -> None:
        while not self.has_save_ended():
            try:
                self._chunks.put(chunk, timeout=_LOOK)
                return
            except queue.Full:
                continue
        raise _StoreEnded

    def _take(self) -> bytes | None:
        while True:
            if self._failure is not None:
                raise self._failure
            if not threading.main_thread().is_alive():
                raise Aborted("The program ended before DCP had written its files.")
            try:
                return self._chunks.get(timeout=_LOOK)
            except queue.Empty:
                continue


class _Channels(FileSystemBase):
    """What DCP takes for a file system: the files of one checkpoint."""

    def __init__(self, files: dict[str, _Channel]) -> None:
        self._files = files

    @contextmanager
    def create_stream(self, path: str | os.PathLike[str], mode: str) -> Iterator[io.IOBase]:
        channel = self._files[Path(path).name.removesuffix(".tmp")]
        yield channel
        channel.end()

    def concat_path(self, path: str | os.PathLike[str], suffix: str) -> str | os.PathLike[str]:
        return Path(path) / suffix

    def init_path(self, path: str | os.PathLike[str]) -> str | os.PathLike[str]:
        return Path(path)

    def rename(self, path: str | os.PathLike[str], new_path: str | os.PathLike[str]) -> None:
        """DCP gives a file its name when it is complete. The store does so by its commit."""

    def mkdir(self, path: str | os.PathLike[str]) -> None:
        """A store needs no folder."""

    def exists(self, path: str | os.PathLike[str]) -> bool:
        return False

    def rm_file(self, path: str | os.PathLike[str]) -> None:
        """Nothing is there before."""

    @classmethod
    def validate_checkpoint_id(cls, checkpoint_id: str | os.PathLike[str]) -> bool:
        return True


def _fail_all(files: dict[str, _Channel], error: BaseException | None = None) -> None:
    for channel in files.values():
        channel.fail(error or Aborted("DCP did not finish the checkpoint. Another rank may have failed."))


def _refuse_without_ranks(store: Store, call: str, *, is_needed: bool = True) -> None:
    ranks = store.ranks
    size = dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
    if ranks is None and (size == 1 or not is_needed):
        return
    if ranks is None or ranks != (dist.get_rank() if size > 1 else 0, size):
        raise InvalidArgument(
            f"{call} runs on {size} ranks, but the store was opened with ranks={ranks}. "
            f"Open it with ranks=(rank, {size})."
        )
