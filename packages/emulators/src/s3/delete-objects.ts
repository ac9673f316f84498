import type { Context, Run } from './context.ts'
import { readDocument } from './documents.ts'
import { S3Error } from './errors.ts'
import { assertNotHeld } from './legal-hold.ts'
import { header } from './request.ts'
import { childText, onlyChildren, writeXml } from './xml.ts'

/**
 * The largest number of keys in one request:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html.
 */
const mostKeys = 1000

export const deleteObjects: Run = async (context, request) => {
  const { element, digestGiven } = await readDocument(request, 'Delete')
  const isMd5Missing = context.requiresContentMd5 && header(request, 'content-md5') === undefined
  if (!digestGiven || isMd5Missing)
    throw new S3Error('InvalidRequest', 'Missing required header for this request: Content-MD5')
  onlyChildren(element, 'Object', 'Quiet')
  const quiet = childText(element, 'Quiet') ?? 'false'
  if (!['true', 'false'].includes(quiet)) throw new S3Error('MalformedXML')
  const keys = element.children
    .filter(({ name }) => name === 'Object')
    .map((object) => {
      onlyChildren(object, 'Key')
      const key = childText(object, 'Key') ?? ''
      if (key === '') throw new S3Error('MalformedXML')
      return key
    })
  if (keys.length === 0 || keys.length > mostKeys) throw new S3Error('MalformedXML')
  const results = await Promise.all(keys.map(async (key) => await deleteOne(context, request.bucket, key)))
  const failed = results.filter((result) => 'Code' in result)
  const deleted = quiet === 'true' ? [] : results.filter((result) => !('Code' in result))
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: writeXml('DeleteResult', { Deleted: deleted, Error: failed }),
  }
}

async function deleteOne(
  { state, assertAllowed }: Context,
  bucket: string,
  key: string,
): Promise<Readonly<Record<string, string>>> {
  try {
    assertAllowed('DeleteObject', bucket, key)
    assertNotHeld(state.object(bucket, key))
    await state.files.remove(state.delete(bucket, key))
    return { Key: key }
  } catch (error) {
    if (!(error instanceof S3Error)) throw error
    return { Key: key, Code: error.code, Message: error.message }
  }
}
