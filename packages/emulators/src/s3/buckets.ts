import { type Run, seconds } from './context.ts'
import { readDocument } from './documents.ts'
import { S3Error } from './errors.ts'
import { header } from './request.ts'
import { childText, onlyChildren } from './xml.ts'

export const headBucket: Run = async ({ region }) => ({
  status: 200,
  headers: { 'x-amz-bucket-region': region, 'content-type': 'application/xml' },
})

export const createBucket: Run = async (context, request) => {
  const { state, region } = context
  const { bucket } = request
  if (!isBucketName(bucket)) throw new S3Error('InvalidBucketName', undefined, { BucketName: bucket })
  if (Number(header(request, 'content-length') ?? 0) > 0) {
    const { element } = await readDocument(request, 'CreateBucketConfiguration')
    onlyChildren(element, 'LocationConstraint')
    if ((childText(element, 'LocationConstraint') ?? region) !== region)
      throw new S3Error(
        'InvalidArgument',
        `The region of the emulator is ${region}. It cannot create a bucket in another region.`,
      )
  }
  if (state.hasBucket(bucket)) throw new S3Error('BucketAlreadyOwnedByYou', undefined, { BucketName: bucket })
  state.createBucket(bucket, seconds(context))
  return { status: 200, headers: { location: `/${bucket}` } }
}

/**
 * Returns whether a bucket name is valid:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html.
 */
export function isBucketName(bucket: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) && !bucket.includes('..')
}
