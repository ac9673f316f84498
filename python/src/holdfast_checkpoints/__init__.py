"""
Keeps the checkpoints of long-running jobs: saved completely or not at all, and verified on every read.

    import holdfast_checkpoints as holdfast

    with holdfast.open("./runs/a", keep_last=3) as store:
        store.save(1, {"model.pth": lambda file: torch.save(state, file)}, metrics={"val_loss": 0.5})
        restored = store.restore("latest", fallback=True)
"""

from ._background import SaveHandle
from ._contents import Content, Files
from ._open import Objective, Size, open
from ._save_options import SaveOptions
from ._store import Choice, Store
from ._version import __version__
from .checkpoints import (
    Checkpoint,
    CheckpointDetails,
    Dropped,
    File,
    FileTensors,
    ListedCheckpoint,
    MeasuredStep,
    Mirrored,
    MirrorStatus,
    PassedOver,
    Pin,
    Quarantined,
    Restored,
    RestoreSource,
    Saved,
    TensorInfo,
)
from .errors import (
    Aborted,
    AlreadyExists,
    ConfigError,
    Corrupt,
    Fenced,
    HoldfastError,
    Incomplete,
    InvalidArgument,
    NoSpace,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Unavailable,
    Unsupported,
)

__all__ = [
    "Aborted",
    "AlreadyExists",
    "Checkpoint",
    "CheckpointDetails",
    "Choice",
    "ConfigError",
    "Content",
    "Corrupt",
    "Dropped",
    "Fenced",
    "File",
    "FileTensors",
    "Files",
    "HoldfastError",
    "Incomplete",
    "InvalidArgument",
    "ListedCheckpoint",
    "MeasuredStep",
    "MirrorStatus",
    "Mirrored",
    "NoSpace",
    "NotFound",
    "Objective",
    "OutcomeUnknown",
    "PassedOver",
    "PermissionDenied",
    "Pin",
    "Quarantined",
    "RestoreSource",
    "Restored",
    "SaveHandle",
    "SaveOptions",
    "Saved",
    "Size",
    "Store",
    "TensorInfo",
    "Unavailable",
    "Unsupported",
    "__version__",
    "open",
]
