import { torchStorages, type TorchType, torchTypesByName } from './number-formats.ts'
import { type Pickled, PickledGlobal, PickledObject, PickledReference } from './pickled.ts'

/** A tensor in a file of `torch.save`. */
export interface TorchTensor {
  /** The keys that lead to the tensor, joined by dots, such as `model.layer1.weight`. */
  readonly name: string
  readonly type: TorchType
  readonly shape: readonly number[]
  /** The key of the storage with its elements. Several tensors can share one. */
  readonly storage: string
  /** The first byte of its elements in the storage. */
  readonly begin: number
  /** The byte after its last element. Other elements can lie between, if the tensor is a view. */
  readonly end: number
}

/** The bytes that several tensors share. */
export interface TorchStorage {
  readonly key: string
  readonly bytes: number
}

export interface TorchContents {
  readonly tensors: readonly TorchTensor[]
  readonly storages: ReadonlyMap<string, TorchStorage>
  /** Whether all bytes outside of the pickle belong to these tensors. Otherwise there are tensors of an unknown kind. */
  readonly isComplete: boolean
}

/** The depth of objects beyond which no tensors are searched. */
const maxDepth = 500

/** Returns the tensors in an object that `torch.save` pickled, each with the first name under which it is found. */
export function tensorsIn(value: Pickled): TorchContents {
  const tensors: TorchTensor[] = []
  const storages = new Map<string, TorchStorage>()
  const seen = new Set<PickledObject>()
  let isComplete = true
  const visit = (current: Pickled | undefined, path: readonly string[], depth: number): void => {
    if (current instanceof PickledReference || depth > maxDepth) isComplete = false
    if (!(current instanceof PickledObject) || seen.has(current) || depth > maxDepth) return
    seen.add(current)
    const tensor = tensorOf(current, path.join('.'))
    if (tensor !== undefined) {
      tensors.push(tensor.tensor)
      storages.set(tensor.storage.key, tensor.storage)
      return
    }
    // Returns the tensor of a parameter, or the items of a list or a set.
    for (const [index, item] of current.items.entries())
      visit(item, current.callee === undefined ? [...path, String(index)] : path, depth + 1)
    for (const [key, item] of current.entries) visit(item, [...path, nameOf(key)], depth + 1)
    visit(current.state, path, depth + 1)
  }
  visit(value, [], 0)
  return { tensors, storages, isComplete }
}

function nameOf(key: Pickled): string {
  return typeof key === 'string' || typeof key === 'number' || typeof key === 'bigint' ? String(key) : '?'
}

/**
 * Reads a call of `_rebuild_tensor`, `_rebuild_tensor_v2` or `_rebuild_tensor_v3` of
 * https://github.com/pytorch/pytorch/blob/main/torch/_utils.py. Tensors of a subclass or with attributes pass it to
 * `_rebuild_from_type_v2(function, class, arguments, state)` of
 * https://github.com/pytorch/pytorch/blob/main/torch/_tensor.py.
 */
function tensorOf(
  { callee: called, items: given }: PickledObject,
  name: string,
): { readonly tensor: TorchTensor; readonly storage: TorchStorage } | undefined {
  const isOfType = called instanceof PickledGlobal && called.name === 'torch._tensor._rebuild_from_type_v2'
  const [passed, , argumentsOfType] = given
  const callee = isOfType ? passed : called
  const items = isOfType && argumentsOfType instanceof PickledObject ? argumentsOfType.items : given
  if (!(callee instanceof PickledGlobal)) return undefined
  if (!/^torch\._utils\._rebuild_tensor(_v[23])?$/.test(callee.name)) return undefined
  const [reference, offset, sizes, strides] = items
  const isTyped = callee.name.endsWith('_v3')
  if (!(reference instanceof PickledReference) || typeof offset !== 'number') return undefined
  const storage = storageOf(reference)
  const shape = numbersOf(sizes)
  const steps = numbersOf(strides)
  const type = isTyped ? typeOf(items[6]) : storage?.type
  if (storage === undefined || shape === undefined || steps === undefined || type === undefined)
    return undefined
  const elements = shape.includes(0)
    ? 0
    : shape.reduce((last, size, dimension) => last + (size - 1) * (steps[dimension] ?? 0), 1)
  const begin = offset * type.bytes
  const tensor = { name, type, shape, storage: storage.key, begin, end: begin + elements * type.bytes }
  return { tensor, storage: { key: storage.key, bytes: storage.bytes } }
}

/** Reads the tuple `('storage', storage class, key, location, number of elements)`. */
function storageOf({ id }: PickledReference): (TorchStorage & { readonly type: TorchType }) | undefined {
  if (!(id instanceof PickledObject)) return undefined
  const [kind, storageClass, key, , elements] = id.items
  if (kind !== 'storage' || !(storageClass instanceof PickledGlobal)) return undefined
  if (typeof key !== 'string' || typeof elements !== 'number' || elements < 0) return undefined
  const type = torchTypesByName.get(torchStorages.get(storageClass.name.split('.').at(-1) ?? '') ?? '')
  return type === undefined ? undefined : { key, type, bytes: elements * type.bytes }
}

function typeOf(value: Pickled | undefined): TorchType | undefined {
  if (!(value instanceof PickledGlobal) || !value.name.startsWith('torch.')) return undefined
  return torchTypesByName.get(value.name.slice('torch.'.length))
}

function numbersOf(value: Pickled | undefined): readonly number[] | undefined {
  if (!(value instanceof PickledObject)) return undefined
  const numbers = value.items.filter((item) => typeof item === 'number' && item >= 0)
  return numbers.length === value.items.length ? (numbers as number[]) : undefined
}
