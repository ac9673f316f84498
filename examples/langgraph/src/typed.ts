import type { SerializerProtocol } from '@langchain/langgraph-checkpoint'

/** A value as a serializer wrote it. */
export interface Typed {
  /** The name that the serializer gives to its format, for example `json`. */
  readonly type: string
  /** Base64. */
  readonly value: string
}

export async function encodeTyped(serde: SerializerProtocol, value: unknown): Promise<Typed> {
  const [type, bytes] = await serde.dumpsTyped(value)
  return { type, value: Buffer.from(bytes).toString('base64') }
}

export async function decodeTyped(serde: SerializerProtocol, { type, value }: Typed): Promise<unknown> {
  return (await serde.loadsTyped(type, Buffer.from(value, 'base64'))) as unknown
}
