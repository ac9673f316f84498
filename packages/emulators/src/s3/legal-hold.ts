import type { Run } from './context.ts'
import { readDocument } from './documents.ts'
import { S3Error } from './errors.ts'
import type { StoredObject } from './state.ts'
import { childText, onlyChildren, writeXml } from './xml.ts'

/** Places or ends the legal hold of an object: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html. */
export const putObjectLegalHold: Run = async ({ state, objectLock }, request) => {
  const { bucket, key } = request
  if (!objectLock) throw new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration')
  const { element } = await readDocument(request, 'LegalHold')
  onlyChildren(element, 'Status')
  const status = childText(element, 'Status')
  if (status !== 'ON' && status !== 'OFF') throw new S3Error('MalformedXML')
  const object = state.object(bucket, key)
  if (object === undefined) throw new S3Error('NoSuchKey', undefined, { Key: key })
  state.publish(bucket, key, { ...object, isHeld: status === 'ON' })
  return { status: 200 }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLegalHold.html */
export const getObjectLegalHold: Run = async ({ state }, { bucket, key }) => {
  const object = state.object(bucket, key)
  if (object === undefined) throw new S3Error('NoSuchKey', undefined, { Key: key })
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: writeXml('LegalHold', { Status: object.isHeld === true ? 'ON' : 'OFF' }),
  }
}

/** @throws `InvalidRequest` if the object is held, with the message of MinIO. */
export function assertNotHeld(object: StoredObject | undefined): void {
  if (object?.isHeld === true)
    throw new S3Error('InvalidRequest', 'Object is WORM protected and cannot be overwritten')
}
