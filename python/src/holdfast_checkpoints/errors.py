"""The exceptions of Holdfast. `code` is part of the interface, and the message is for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar


class HoldfastError(Exception):
    """
    The base of all exceptions of Holdfast.

    `reason` says what failed and why. `hint` says what helps, in the words of this package, or is None. `retryable`
    says whether the same call may succeed later. `url` and `key` locate the error in the store, if known.
    """

    code: str = "UNEXPECTED"

    def __init__(
        self,
        reason: str,
        *,
        hint: str | None = None,
        retryable: bool = False,
        url: str | None = None,
        key: str | None = None,
    ) -> None:
        super().__init__(reason if hint is None else f"{reason} {hint}")
        self.reason = reason
        self.hint = hint
        self.retryable = retryable
        self.url = url
        self.key = key

    #: The class of each code.
    by_code: ClassVar[dict[str, type[HoldfastError]]] = {}

    def __init_subclass__(cls) -> None:
        HoldfastError.by_code[cls.code] = cls


class NotFound(HoldfastError):
    """The checkpoint, file or store does not exist."""

    code = "NOT_FOUND"


class AlreadyExists(HoldfastError):
    """The step is saved already."""

    code = "ALREADY_EXISTS"


class Fenced(HoldfastError):
    """Another writer has taken the store over, or owns it."""

    code = "FENCED"


class Incomplete(HoldfastError):
    """Other ranks of the job did not join, verify their files or deliver their parts in time."""

    code = "INCOMPLETE"


class OutcomeUnknown(HoldfastError):
    """The change may be committed or not. List the checkpoints before you repeat it."""

    code = "OUTCOME_UNKNOWN"


class Corrupt(HoldfastError):
    """The bytes differ from the saved bytes."""

    code = "CORRUPT"


class NoSpace(HoldfastError):
    """There is not enough space, and nothing of this checkpoint remains."""

    code = "INSUFFICIENT_SPACE"


class Aborted(HoldfastError):
    """The call was stopped by its caller. A save or restore that was stopped leaves nothing visible."""

    code = "ABORTED"


class Unavailable(HoldfastError):
    """The store or the helper process cannot be reached now."""

    code = "UNAVAILABLE"


class PermissionDenied(HoldfastError):
    """The store denies access."""

    code = "PERMISSION_DENIED"


class Unsupported(HoldfastError):
    """This kind of store, or this version, does not support the call."""

    code = "UNSUPPORTED"


class InvalidArgument(HoldfastError, ValueError):
    """An argument is not valid."""

    code = "INVALID_ARGUMENT"


class ConfigError(HoldfastError):
    """The location or the configuration is not valid, or something is not installed."""

    code = "CONFIG"


def error_from(data: Mapping[str, Any]) -> HoldfastError:
    """Returns the exception for the `data` of an error of the helper."""
    cls = HoldfastError.by_code.get(str(data.get("code")), HoldfastError)
    hint = data.get("hint")
    phrased = None if hint is None else phrase_hint(hint)
    reason = data["message"] if phrased is None else data.get("reason", data["message"])
    return cls(
        reason,
        hint=phrased,
        retryable=bool(data.get("retryable")),
        url=data.get("url"),
        key=data.get("key"),
    )


_PHRASES: dict[str, str] = {
    "choose-config": "Pass it as config=..., which trusts it, or pass config=False to use none.",
    "exclude": "To leave it out, name it in exclude=[...].",
    "name-adapter": "To use an adapter, pass it in adapters=[...].",
    "bundle-adapter": "To use an adapter, pass it in adapters=[...].",
    "replace": "Choose another step, or replace it with on_existing='replace'.",
    "copy-elsewhere": "Copy it to another step with to_step, or replace it with on_existing='replace'.",
    "packed": "Read it with store.read(), or restore it. To give each file its own path, save with packs='never'.",
    "own-store": "Open the store with mode='exclusive'.",
    "own-mirror": "If no other store mirrors there any more, pass mirror={'store': ..., 'takeOver': True}.",
    "copy-beside-job": "Leave out mirror, and run holdfast copy STORE MIRROR --follow beside the job.",
    "save-together": "If several ranks of a job save this step, open the store with ranks=(rank, number of ranks).",
    "leave-ranks": "Open the store without ranks, and change it only when the job does not run.",
    "join-job": "To join the job, call store.restore() on all ranks when the program starts.",
    "allow-best": "To allow it, pass allow_best=True.",
    "define-objective": "Define one when you open the store: objectives={'loss': ('val_loss', 'min')}.",
    "name-store": "Pass a path or URL to open().",
    "check-location": "Check its path or URL. The first save creates the store.",
    "save-first": "The first save creates the store.",
    "list": "store.list() returns the checkpoints that exist.",
    "keep-for-undo": "A deletion can be undone with undo_for of delete() and prune(), or with a grace.",
    "list-removed": "store.removed() returns the checkpoints that can be undone.",
    "pin-again": "After you correct that, call store.pin() again.",
    "unpin-again": "After you correct that, call store.unpin() again.",
    "verify": "store.verify() lists it again if it verifies.",
    "repair": "Call store.repair(), which lists the complete checkpoints again.",
    "mark-good": "If it works, call store.mark_good() with its step in a store without ranks.",
    "restore-with-fallback": "Restore with fallback=True to quarantine it and restore the next older good checkpoint.",
}


def _ways_to_free(hint: Mapping[str, Any]) -> Iterator[str]:
    if hint.get("canMakeRoom"):
        yield "Let Holdfast drop checkpoints with make_room=True, or delete some with store.delete()."
    elif hint.get("canDelete"):
        yield "Delete checkpoints with store.delete()."
    if hint.get("repairPinned"):
        yield "If a checkpoint that a repair pinned needs no pin, call store.unpin(), and delete it."
    if hint.get("hasRemoved"):
        yield (
            "The command holdfast sweep --now deletes removed checkpoints for good, "
            "and unfinished saves of other writers."
        )
    elif hint.get("hasUnfinished"):
        yield (
            "If no other writer runs, open the store with take_over=True and call store.sweep(), "
            "which deletes its unfinished saves."
        )


def phrase_hint(hint: Mapping[str, Any]) -> str | None:
    """Phrases a hint in the methods and options of this package. Returns None for a hint that it does not know."""
    kind = str(hint.get("kind"))
    if kind == "take-over":
        job = hint.get("job")
        if job is None:
            return "Stop that writer, or open the store with take_over=True. That writer can then save nothing more."
        return (
            f"Open the store with job={job!r} to belong to that job. "
            "If the job has ended or must stop, open it with take_over=True."
        )
    if kind == "wait-longer":
        return f"If the other ranks need more time, open the store with a longer {hint['for']}_timeout."
    if kind == "forget-objective":
        return f"Choose another name, or forget the recorded objective first: store.forget_objective({hint['name']!r})."
    if kind == "delete-for-good":
        return (
            "To list the removed one, delete the later save of the step. That is final: "
            f"store.delete([{hint['step']}], undo_for='0 s')"
        )
    if kind == "free-space":
        return " ".join(_ways_to_free(hint))
    return _PHRASES.get(kind)
