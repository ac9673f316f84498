/** A number format of tensors whose values can be NaN or infinite. */
export type FloatFormat = ExponentFormat | ByteFormat

/** A format in which the exponent shows that a number is NaN or infinite. */
export interface ExponentFormat {
  /** Size of one number in bytes. */
  readonly bytes: 1 | 2 | 4 | 8
  /** The bits of the exponents of all numbers in a 32-bit word. For 8-byte numbers, of the more significant word. */
  readonly exponents: number
  /** Added to the exponents, it carries into a sign bit exactly if all bits of that exponent are set. */
  readonly carry: number
  /** The sign bits of the word. */
  readonly signs: number
}

/** A format of one byte without infinity, in which one byte is NaN. */
export interface ByteFormat {
  readonly bytes: 1
  readonly nan: number
}

const float64: FloatFormat = { bytes: 8, exponents: 0x7ff00000, carry: 0x00100000, signs: 0x80000000 }
const float32: FloatFormat = { bytes: 4, exponents: 0x7f800000, carry: 0x00800000, signs: 0x80000000 }
const float16: FloatFormat = { bytes: 2, exponents: 0x7c007c00, carry: 0x04000400, signs: 0x80008000 }
const bfloat16: FloatFormat = { bytes: 2, exponents: 0x7f807f80, carry: 0x00800080, signs: 0x80008000 }
const float8e5m2: FloatFormat = { bytes: 1, exponents: 0x7c7c7c7c, carry: 0x04040404, signs: 0x80808080 }
/** The format has no infinity. NaN has all bits of exponent and mantissa set. */
const float8e4m3: FloatFormat = { bytes: 1, exponents: 0x7f7f7f7f, carry: 0x01010101, signs: 0x80808080 }
/** Powers of two without a sign: https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf. */
const float8e8m0: FloatFormat = { bytes: 1, nan: 0xff }
/** The formats `fnuz` have no infinity and no negative zero, whose byte is NaN: https://arxiv.org/pdf/2206.02915. */
const float8fnuz: FloatFormat = { bytes: 1, nan: 0x80 }

/**
 * The names of formats in safetensors headers (https://github.com/huggingface/safetensors#format), with the format of
 * their numbers.
 */
export const safetensorsFormats: ReadonlyMap<string, FloatFormat> = new Map<string, FloatFormat>([
  ['F64', float64],
  ['F32', float32],
  ['F16', float16],
  ['BF16', bfloat16],
  ['F8_E5M2', float8e5m2],
  ['F8_E4M3', float8e4m3],
  ['F8_E8M0', float8e8m0],
  ['F8_E4M3FNUZ', float8fnuz],
  ['F8_E5M2FNUZ', float8fnuz],
  ['C64', float32],
])

/**
 * Bytes of one element by the name of its format in a safetensors header
 * (https://github.com/huggingface/safetensors/blob/main/safetensors/src/tensor.rs, `Dtype`). Elements of less than a byte are
 * packed.
 */
export const safetensorsBytes: ReadonlyMap<string, number> = new Map([
  ['F4', 4 / 8],
  ['F6_E2M3', 6 / 8],
  ['F6_E3M2', 6 / 8],
  ['BOOL', 1],
  ['U8', 1],
  ['I8', 1],
  ['F8_E5M2', 1],
  ['F8_E4M3', 1],
  ['F8_E8M0', 1],
  ['F8_E4M3FNUZ', 1],
  ['F8_E5M2FNUZ', 1],
  ['I16', 2],
  ['U16', 2],
  ['F16', 2],
  ['BF16', 2],
  ['I32', 4],
  ['U32', 4],
  ['F32', 4],
  ['I64', 8],
  ['U64', 8],
  ['F64', 8],
  ['C64', 8],
])

/** One kind of tensor of PyTorch. */
export interface TorchType {
  readonly name: string
  /** Bytes of one element. */
  readonly bytes: number
  /** Absent if no value can be NaN or infinite. */
  readonly format?: FloatFormat
}

const torchTypes: readonly TorchType[] = [
  { name: 'float64', bytes: 8, format: float64 },
  { name: 'float32', bytes: 4, format: float32 },
  { name: 'float16', bytes: 2, format: float16 },
  { name: 'bfloat16', bytes: 2, format: bfloat16 },
  { name: 'float8_e5m2', bytes: 1, format: float8e5m2 },
  { name: 'float8_e4m3fn', bytes: 1, format: float8e4m3 },
  { name: 'float8_e8m0fnu', bytes: 1, format: float8e8m0 },
  { name: 'float8_e4m3fnuz', bytes: 1, format: float8fnuz },
  { name: 'float8_e5m2fnuz', bytes: 1, format: float8fnuz },
  { name: 'float4_e2m1fn_x2', bytes: 1 },
  { name: 'complex32', bytes: 4, format: float16 },
  { name: 'complex64', bytes: 8, format: float32 },
  { name: 'complex128', bytes: 16, format: float64 },
  { name: 'int64', bytes: 8 },
  { name: 'int32', bytes: 4 },
  { name: 'int16', bytes: 2 },
  { name: 'int8', bytes: 1 },
  { name: 'uint64', bytes: 8 },
  { name: 'uint32', bytes: 4 },
  { name: 'uint16', bytes: 2 },
  { name: 'uint8', bytes: 1 },
  { name: 'bool', bytes: 1 },
]

/** The kinds of tensors by the name in `torch.dtype`. */
export const torchTypesByName: ReadonlyMap<string, TorchType> = new Map(
  torchTypes.map((type) => [type.name, type]),
)

/**
 * The type of the elements by the name of the storage class that `torch.save` writes
 * (https://github.com/pytorch/pytorch/blob/main/torch/storage.py, `_dtype_to_storage_type_map`). An untyped storage counts
 * bytes, and its tensors name their type themselves.
 */
export const torchStorages: ReadonlyMap<string, string> = new Map([
  ['DoubleStorage', 'float64'],
  ['FloatStorage', 'float32'],
  ['HalfStorage', 'float16'],
  ['BFloat16Storage', 'bfloat16'],
  ['ComplexDoubleStorage', 'complex128'],
  ['ComplexFloatStorage', 'complex64'],
  ['LongStorage', 'int64'],
  ['IntStorage', 'int32'],
  ['ShortStorage', 'int16'],
  ['CharStorage', 'int8'],
  ['ByteStorage', 'uint8'],
  ['BoolStorage', 'bool'],
  ['UntypedStorage', 'uint8'],
])
