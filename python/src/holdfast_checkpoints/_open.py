"""Opening a store, and the names of its options."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union

from ._contents import Path, absolute
from ._store import Store
from ._values import without_none
from .errors import InvalidArgument

#: What "best" means: a metric and a direction, or the members of docs/retention.md.
Objective = Union[tuple[str, Literal["min", "max"]], Mapping[str, Any]]

#: A number of bytes, or a text such as "200 GB".
Size = Union[int, str]

_CAMEL_CASE = {"min_delta": "minDelta", "warm_up": "warmUp"}


def open(
    location: Path | None = None,
    *,
    objectives: Mapping[str, Objective] | None = None,
    keep_last: int | None = None,
    keep_best: Mapping[str, int] | None = None,
    keep_every: Mapping[Literal["steps", "epochs", "time"], int | str] | None = None,
    keep_within: str | None = None,
    keep_hourly: int | None = None,
    keep_daily: int | None = None,
    keep_weekly: int | None = None,
    keep_monthly: int | None = None,
    keep_tags: Sequence[str] | None = None,
    keep_unscored: str | None = None,
    max_bytes: Size | None = None,
    max_count: int | None = None,
    grace: str | None = None,
    warn_below: Size | None = None,
    refuse_below: Size | None = None,
    make_room: bool | None = None,
    mode: Literal["exclusive", "shared"] | None = None,
    take_over: bool | None = None,
    job: str | None = None,
    ranks: tuple[int, int] | None = None,
    join_timeout: float | None = None,
    save_timeout: float | None = None,
    packs: Literal["auto", "always", "never"] | None = None,
    unchanged: Literal["auto", "link", "never"] | None = None,
    mirror: Path | Mapping[str, Any] | None = None,
    rate_while_busy: int | str | None = None,
    limit_upload: int | str | None = None,
    limit_download: int | str | None = None,
    threads: int | None = None,
    writer_name: str | None = None,
    grace_period: float | None = None,
    config: Path | Literal[False] | None = None,
    adapters: Sequence[str] | None = None,
    backend: Mapping[str, Any] | None = None,
) -> Store:
    """
    Opens a store. Sends no request yet: the first save creates the store.

    `location` is a path or a URL (`s3://bucket/runs/a`, `gs://...`, `az://account/container/...`). Without one, it
    comes from HOLDFAST_STORE or from the configuration file. The other options apply on top of that file.

    `objectives` defines what "best" means: `{"loss": ("val_loss", "min")}`, or the members of docs/retention.md, such
    as `{"overall": {"weights": {"loss": 0.5, "pck": 0.5}}}`. `keep_*` and `max_*` are the retention, which each save
    applies. Without any of them, everything is kept. `grace_period` is in seconds.

    A store has one owner: the program that changed it last, also by a `pin`. The next save of another program raises
    Fenced. `job` names a job whose processes follow one another as one owner, so only a save ends an earlier save.
    `ranks` is `(rank, number of ranks)` of this process, if all processes of a job save and restore one checkpoint
    together: see docs/ranks.md. `join_timeout` and `save_timeout` are the seconds for which they wait for one another.

    `mirror` is the location of a second store to which checkpoints are copied in the background, or a mapping with the
    members of docs/configuration.md, such as `{"store": "s3://bucket/runs/a", "retention": {"keepLast": 10}}`.

    `packs` and `unchanged` are the defaults of those options of `Store.save`.

    `rate_while_busy` limits the bytes per second of saves in the background and of copies to the mirror while other
    work needs all processors: a number, a string such as `"16 MiB/s"`, or `"unlimited"`.

    `limit_upload` and `limit_download` limit the bytes per second of all saves and restores of this store, and of
    what its mirror gets: a number, or a string such as `"200 MB/s"`. `threads` is how many threads transfer large files
    from and to an object store.

    The store uses the environment variables and the working folder of this call. Close it after use, for example with
    `with`. Raises ConfigError and InvalidArgument.
    """
    retention = without_none(
        keepLast=keep_last,
        keepBest=keep_best,
        keepEvery=keep_every,
        keepWithin=keep_within,
        keepHourly=keep_hourly,
        keepDaily=keep_daily,
        keepWeekly=keep_weekly,
        keepMonthly=keep_monthly,
        keepTags=keep_tags,
        keepUnscored=keep_unscored,
        maxBytes=max_bytes,
        maxCount=max_count,
        grace=grace,
    )
    space = without_none(warnBelow=warn_below, refuseBelow=refuse_below, makeRoom=make_room)
    return Store(
        without_none(
            location=None if location is None else os.fspath(location),
            objectives=None if objectives is None else {n: _objective(n, o) for n, o in objectives.items()},
            retention=retention or None,
            space=space or None,
            mode=mode,
            takeOver=take_over,
            job=job,
            ranks=_ranks(ranks, join_timeout, save_timeout),
            mirror={"store": os.fspath(mirror)} if isinstance(mirror, (str, os.PathLike)) else mirror,
            packs=packs,
            unchanged=unchanged,
            background=None if rate_while_busy is None else {"rateWhileBusy": rate_while_busy},
            limitUpload=limit_upload,
            limitDownload=limit_download,
            threads=threads,
            writerName=writer_name,
            gracePeriod=None if grace_period is None else grace_period * 1000,
            config=absolute(config) if isinstance(config, (str, os.PathLike)) else config,
            adapters=None if adapters is None else list(adapters),
            backend=backend,
        )
    )


def _ranks(
    ranks: tuple[int, int] | None, join_timeout: float | None, save_timeout: float | None
) -> Mapping[str, Any] | None:
    if ranks is None:
        if join_timeout is not None or save_timeout is not None:
            raise InvalidArgument("join_timeout and save_timeout need ranks=(rank, number of ranks).")
        return None
    rank, size = ranks
    return without_none(
        rank=rank,
        size=size,
        joinTimeout=None if join_timeout is None else join_timeout * 1000,
        saveTimeout=None if save_timeout is None else save_timeout * 1000,
    )


def _objective(name: str, objective: Objective) -> Mapping[str, Any]:
    if isinstance(objective, Mapping):
        return {_CAMEL_CASE.get(member, member): value for member, value in objective.items()}
    if isinstance(objective, tuple) and len(objective) == 2:
        return {"metric": objective[0], "direction": objective[1]}
    raise InvalidArgument(
        f"The objective {name!r} must be a metric with a direction, such as ('val_loss', 'min'), or a dict."
    )
