"""What a save takes as files, and how it is sent."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import IO, Any, Union

from ._call import Call
from ._helper_connection import Helper, ProgressListener
from ._streams import StreamClosed, Upload, UploadWriter
from .errors import InvalidArgument

Path = Union[str, "os.PathLike[str]"]

#: The content of a file: a path of this machine, bytes, a function that writes to a binary file, a binary file that is
#: read to its end, an iterable of bytes, or a dict of tensors that torch.save writes.
Content = Union[
    Path,
    bytes,
    bytearray,
    memoryview,
    Callable[[IO[bytes]], object],
    IO[bytes],
    Iterable[bytes],
    Mapping[str, Any],
]

#: The files of a checkpoint: contents by name, or paths of files and folders, which keep their names.
Files = Union[Path, Sequence[Path], Mapping[str, Content]]

Producer = Callable[[UploadWriter], None]


class Later:
    """A content that exists only later, so that other contents of the same save must not wait for it."""

    def __init__(self, write: Callable[[IO[bytes]], object]) -> None:
        self.write = write


def send_save(
    helper: Helper, params: Mapping[str, Any], files: Files, on_progress: ProgressListener | None = None
) -> SendingSave:
    """Sends the call of a save. Its streams are sent by `SendingSave.finish`."""
    if not isinstance(files, Mapping):
        paths = [files] if isinstance(files, (str, os.PathLike)) else list(files)
        call = helper.start("save", {**params, "files": [absolute(path) for path in paths]}, (), on_progress)
        return SendingSave(call, {}, queue.SimpleQueue())
    wanted: queue.SimpleQueue[Upload | None] = queue.SimpleQueue()
    producers: dict[Upload, Producer] = {}
    later: set[Upload] = set()
    sent: dict[str, dict[str, Any]] = {}
    for name, content in files.items():
        if isinstance(content, (str, os.PathLike)):
            sent[name] = {"path": absolute(content)}
        else:
            upload = Upload(wanted.put)
            producers[upload] = producer_of(name, content)
            if isinstance(content, Later):
                later.add(upload)
            sent[name] = {"stream": upload, **_size_of(content)}
    params = {**params, "files": sent}
    call = helper.start("save", params, list(producers), on_progress, on_end=lambda _: wanted.put(None))
    return SendingSave(call, producers, wanted, later)


class SendingSave:
    """A save whose call was sent. The helper asks for one stream after another."""

    def __init__(
        self,
        call: Call,
        producers: Mapping[Upload, Producer],
        wanted: queue.SimpleQueue[Upload | None],
        later: Collection[Upload] = (),
    ) -> None:
        self._producers = producers
        self._wanted = wanted
        self._later = later
        self.call = call

    def finish(self) -> Any:
        """Sends the streams that the helper asks for, and returns the result. Saves nothing if a producer raises."""
        try:
            if self._producers:
                for upload in iter(self._wanted.get, None):
                    if upload in self._later:
                        threading.Thread(target=self._produce_later, args=[upload], daemon=True).start()
                    else:
                        self._produce(upload)
            return self.call.result()
        except BaseException:
            self.call.stop()
            raise

    def _produce_later(self, upload: Upload) -> None:
        try:
            self._produce(upload)
        except BaseException:
            return  # the upload is aborted, so the save fails with the reason

    def _produce(self, upload: Upload) -> None:
        writer = UploadWriter(upload)
        try:
            self._producers[upload](writer)
            writer.finish()
        except StreamClosed:
            return  # the result of the call has the reason
        except BaseException as error:
            if upload.is_closed and isinstance(error, Exception):
                return  # the save failed first, and a library such as torch reports that with an exception of its own
            upload.abort(f"{type(error).__name__}: {error}")
            raise


def producer_of(name: str, content: Any) -> Producer:
    """Returns a function that writes the content. Raises InvalidArgument for a content of another type."""
    if isinstance(content, Later):
        return _calling(content.write)
    if isinstance(content, Mapping):
        return _calling(state_writer(content))
    if callable(content):
        return _calling(content)
    if isinstance(content, (bytes, bytearray, memoryview)):
        return lambda writer: _write_all(writer, [content])
    if hasattr(content, "read"):
        return lambda writer: _write_all(writer, iter(lambda: content.read(2**20), b""))
    if isinstance(content, Iterable):
        return lambda writer: _write_all(writer, content)
    raise InvalidArgument(
        f"The content of {name!r} is {type(content).__name__}. Pass a path, bytes, a binary file, or a function that "
        "writes to a binary file, such as lambda file: torch.save(state, file)."
    )


def _size_of(content: Any) -> dict[str, int]:
    """The size of a content in memory. Small files are packed only if their size is known."""
    if isinstance(content, (bytes, bytearray)):
        return {"size": len(content)}
    return {"size": content.nbytes} if isinstance(content, memoryview) else {}


def state_writer(state: Mapping[str, Any], *, is_copied: bool = False) -> Callable[[Any], None]:
    """Returns a function that writes a state with torch.save. With `is_copied`, its tensors are copied now."""
    try:
        import torch

        from ._snapshot import snapshot
    except ImportError as error:
        raise InvalidArgument(
            "A dict is saved with torch.save, but torch is not installed. Pass bytes or a function instead."
        ) from error
    kept = snapshot(state) if is_copied else state
    return lambda file: torch.save(kept, file)


def copied(files: Files) -> Files:
    """Returns contents that later changes by the caller do not affect. Files are not copied."""
    if not isinstance(files, Mapping):
        return files
    return {name: _copied_content(content) for name, content in files.items()}


def _copied_content(content: Content) -> Content:
    if isinstance(content, (bytearray, memoryview)):
        return bytes(content)
    if isinstance(content, Mapping):
        return state_writer(content, is_copied=True)
    return content


def _calling(write: Callable[[IO[bytes]], object]) -> Producer:
    def produce(writer: UploadWriter) -> None:
        write(writer)  # type: ignore[arg-type]

    return produce


def _write_all(writer: UploadWriter, pieces: Iterable[Any]) -> None:
    for piece in pieces:
        writer.write(piece)


def absolute(path: Path) -> str:
    """The helper has another working folder if this process has changed its own."""
    return os.path.abspath(os.path.expanduser(os.fspath(path)))
