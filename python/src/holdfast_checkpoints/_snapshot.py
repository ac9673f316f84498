"""Copies of tensors in host memory, so that a training can go on while they are saved."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import Any

import torch


def snapshot(state: Any) -> Any:
    """
    Returns a copy whose tensors are in host memory, pinned if they come from CUDA. It keeps dicts, lists and tuples.

    Each storage is copied once, as torch.save writes it once. So tensors that share memory still share it when they are
    loaded.
    """
    copier = _Copier()
    with torch.no_grad():
        result = copier.copy(state)
    copier.wait()
    return result


class _Copier:
    def __init__(self) -> None:
        self._storages: dict[tuple[torch.device, int], torch.UntypedStorage] = {}
        #: Copies of tensors in host memory that are all of their storages, by the address of the original.
        self._wholes: dict[int, torch.Tensor] = {}
        self._devices: set[torch.device] = set()
        self._memo: dict[int, Any] = {}

    def copy(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if type(value) in (dict, OrderedDict):
            return type(value)(
                (key if type(key) is str else self.copy(key), self.copy(member)) for key, member in value.items()
            )
        if type(value) in (list, tuple):
            return type(value)(self.copy(member) for member in value)
        if value is None or isinstance(value, (bool, int, float, str, bytes)):
            return value
        return copy.deepcopy(value, self._memo)

    def wait(self) -> None:
        """Waits for the copies that run on the devices."""
        for device in self._devices:
            torch.cuda.synchronize(device)

    def _tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        whole = self._whole(tensor)
        if whole is not None:
            return whole.requires_grad_() if tensor.requires_grad else whole
        if type(tensor) not in (torch.Tensor, torch.nn.Parameter) or _is_special(tensor):
            return tensor.detach().cpu().clone() if tensor.device.type != "cpu" else tensor.detach().clone()
        result = torch.empty(0, dtype=tensor.dtype).set_(
            self._storage(tensor), tensor.storage_offset(), tensor.size(), tensor.stride()
        )
        if isinstance(tensor, torch.nn.Parameter):
            return torch.nn.Parameter(result, requires_grad=tensor.requires_grad)
        return result.requires_grad_(tensor.requires_grad)

    def _whole(self, tensor: torch.Tensor) -> torch.Tensor | None:
        """
        Copies a tensor in host memory that is all of its storage, and the first one of it. Returns None for any other.

        Nearly all tensors are so. The general way makes two objects for each, and takes longer than a small copy.
        """
        if type(tensor) is not torch.Tensor or not tensor.is_cpu or tensor.layout is not torch.strided:
            return None
        address = tensor.data_ptr()
        if address in self._wholes or not tensor.is_contiguous() or tensor.is_conj() or tensor.is_neg():
            return None
        if tensor.nbytes != tensor.untyped_storage().nbytes() or address == 0:
            return None
        if self._storages and (tensor.device, address) in self._storages:
            return None
        result = self._wholes[address] = tensor.clone()
        return result

    def _storage(self, tensor: torch.Tensor) -> torch.UntypedStorage:
        storage = tensor.untyped_storage()
        key = (storage.device, storage.data_ptr())
        whole = self._wholes.get(key[1]) if storage.device.type == "cpu" else None
        known = self._storages.get(key) if whole is None else whole.untyped_storage()
        if known is None or known.nbytes() != storage.nbytes():
            known = self._copied(storage)
            if storage.nbytes() > 0:
                self._storages[key] = known
        return known

    def _copied(self, storage: torch.UntypedStorage) -> torch.UntypedStorage:
        if storage.device.type == "cpu":
            copied: torch.UntypedStorage = storage.clone()  # type: ignore[no-untyped-call]
            return copied
        is_cuda = storage.device.type == "cuda"
        host = torch.empty(storage.nbytes(), dtype=torch.uint8, pin_memory=is_cuda).untyped_storage()
        host.copy_(storage, non_blocking=is_cuda)
        if is_cuda:
            self._devices.add(storage.device)
        return host


def _is_special(tensor: torch.Tensor) -> bool:
    """Returns whether the tensor is more than a view of one storage."""
    return tensor.layout != torch.strided or tensor.is_quantized or tensor.is_conj() or tensor.is_neg()
