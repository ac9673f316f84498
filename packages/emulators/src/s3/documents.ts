import { receive } from './body.ts'
import { S3Error } from './errors.ts'
import { header, type S3Request } from './request.ts'
import { parseXml, type XmlElement } from './xml.ts'

/** The largest document in bytes. It is more than 10,000 parts or 1,000 keys can need. */
const longestDocument = 4 * 2 ** 20

/** Parses the document in a body, and verifies the body against the headers of the request. */
export async function readDocument(
  request: S3Request,
  root: string,
): Promise<{ readonly element: XmlElement; readonly digestGiven: boolean }> {
  const chunks: Uint8Array[] = []
  let size = 0
  const { given } = await receive(request, async (chunk) => {
    size += chunk.byteLength
    if (size > longestDocument) throw new S3Error('MalformedXML')
    chunks.push(chunk)
  })
  return {
    element: parseXml(Buffer.concat(chunks).toString('utf8'), root),
    digestGiven: given !== undefined || header(request, 'content-md5') !== undefined,
  }
}
