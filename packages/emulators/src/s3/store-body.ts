import type { ObjectFiles } from '../objects/object-files.ts'
import type { Piece } from '../objects/pieces.ts'
import { type Received, receive } from './body.ts'
import type { ChecksumAlgorithm } from './checksums.ts'
import type { S3Request } from './request.ts'

/**
 * Stores the body of a request as a piece that no object has yet. A body that does not match its headers is
 * discarded.
 */
export async function storeBody(
  files: ObjectFiles,
  request: S3Request,
  compute?: ChecksumAlgorithm,
): Promise<Received & { readonly piece: Piece }> {
  const writer = await files.create()
  try {
    const received = await receive(request, (chunk) => writer.write(chunk), compute)
    return { ...received, piece: await writer.finish() }
  } catch (error) {
    await writer.discard()
    throw error
  }
}
