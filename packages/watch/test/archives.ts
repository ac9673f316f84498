import { crc32 } from 'node:zlib'

/** Returns a zip archive of stored entries, in the order in which `torch.save` writes them. */
export function zipOf(entries: Readonly<Record<string, Uint8Array | string>>): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [name, content] of Object.entries(entries)) {
    const bytes = Buffer.from(content)
    const named = Buffer.from(name)
    const facts = Buffer.alloc(26)
    facts.writeUInt16LE(20, 0)
    facts.writeUInt32LE(crc32(bytes), 10)
    facts.writeUInt32LE(bytes.byteLength, 14)
    facts.writeUInt32LE(bytes.byteLength, 18)
    facts.writeUInt16LE(named.byteLength, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), facts, named, bytes])
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), facts, place, named]))
    parts.push(local)
    offset += local.byteLength
  }
  const end = Buffer.alloc(18)
  end.writeUInt16LE(directory.length, 4)
  end.writeUInt16LE(directory.length, 6)
  end.writeUInt32LE(
    directory.reduce((sum, { byteLength }) => sum + byteLength, 0),
    8,
  )
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...parts, ...directory, Buffer.from('PK\x05\x06'), end])
}

/** The files that a trainer saves for a step. */
export function torchFile(text: string, bytes = 100): Buffer {
  return zipOf({
    'archive/data.pkl': text,
    'archive/data/0': Buffer.alloc(bytes, text),
    'archive/version': '3\n',
  })
}

export function safetensorsFile(dataBytes: number, metadata: Readonly<Record<string, string>> = {}): Buffer {
  const weight = { dtype: 'U8', shape: [dataBytes], data_offsets: [0, dataBytes] }
  const header = Buffer.from(JSON.stringify({ __metadata__: metadata, weight }))
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(BigInt(header.byteLength))
  return Buffer.concat([prefix, header, Buffer.alloc(dataBytes, 7)])
}
