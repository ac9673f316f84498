"""The options of a save, in one place for every way to save."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict

from ._values import sent_json, sent_metrics, sent_step, without_none


class SaveOptions(TypedDict, total=False):
    """The options of `Store.save` and `Store.save_async`. None is the default of each."""

    #: At least 0. 2.5 is the middle of the third epoch.
    epoch: float | None

    #: Numbers by name, such as floats and tensors with one element.
    metrics: Mapping[str, Any] | None

    tags: Sequence[str] | None

    #: JSON that belongs to the checkpoint. `get`, `restore` and `list(metadata=True)` return it.
    metadata: Any

    #: The position in the data, as JSON.
    data_state: Any

    #: Patterns of files and folders that are left out of saved folders, such as "*.log" and "wandb/".
    exclude: Sequence[str] | None

    #: "fail" raises AlreadyExists if the step is saved with other bytes, and is the default. "replace" replaces it.
    on_existing: Literal["fail", "replace"] | None

    #: True lets "replace" replace the best checkpoint of an objective.
    allow_best: bool | None

    #: True raises InvalidArgument if a tensor contains NaN or infinity, and saves nothing.
    require_finite: bool | None

    #: Whether small files are stored together in few objects. By default they are on object stores, if there are more
    #: than 64.
    packs: Literal["auto", "always", "never"] | None

    #: What happens to files of this machine that the latest checkpoint has, with the same name and bytes. By default
    #: an object store copies them, and a disk stores them again. With "link", a disk shares their bytes.
    unchanged: Literal["auto", "link", "never"] | None


def save_params(step: int, options: SaveOptions) -> dict[str, Any]:
    """Returns the parameters of a save except its files. Raises InvalidArgument, or TypeError for an unknown option."""
    unknown = sorted(options.keys() - SaveOptions.__annotations__.keys())
    if unknown:
        raise TypeError(
            f"A save has no option {unknown[0]!r}. Its options are {', '.join(SaveOptions.__annotations__)}."
        )
    given = without_none(**options)
    for name, sent in _SENT.items():
        if name in given:
            given[name] = sent(given[name])
    return {"step": sent_step(step), **{_NAMES.get(name, name): value for name, value in given.items()}}


#: Functions that turn the values of some options into JSON.
_SENT: Mapping[str, Callable[[Any], Any]] = {
    "metrics": sent_metrics,
    "tags": list,
    "metadata": lambda value: sent_json(value, "metadata"),
    "data_state": lambda value: sent_json(value, "data_state"),
    "exclude": list,
}

#: Options whose parameters have other names in the protocol.
_NAMES = {
    "data_state": "dataState",
    "on_existing": "onExisting",
    "allow_best": "allowBest",
    "require_finite": "requireFinite",
}
