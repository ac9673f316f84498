import { RestError } from '@azure/storage-blob'
import { describe, expect, test } from 'vitest'
import { isThereAlready, mayHaveHappened, storeError } from '../src/errors.ts'

const url = 'az://account/container'
const failed = (code: string | undefined, statusCode?: number, details?: object): RestError =>
  Object.assign(new RestError('Told so.\nRequestId:1\nTime:2', { ...(code === undefined ? {} : { code }) }), {
    statusCode,
    details,
  })

describe('an error of Azure', () => {
  test.each([
    ['BlobNotFound', 404, 'NOT_FOUND', 'The object does not exist'],
    ['ContainerNotFound', 404, 'NOT_FOUND', 'The container does not exist'],
    ['AuthenticationFailed', 403, 'PERMISSION_DENIED', 'the clock'],
    ['AuthorizationFailure', 403, 'PERMISSION_DENIED', 'network rules'],
    ['AuthorizationPermissionMismatch', 403, 'PERMISSION_DENIED', 'Storage Blob Data Contributor'],
    ['KeyBasedAuthenticationNotPermitted', 403, 'PERMISSION_DENIED', 'az login'],
    ['BlobImmutableDueToPolicy', 409, 'PERMISSION_DENIED', 'Nothing was changed'],
    ['LeaseIdMissing', 412, 'PERMISSION_DENIED', 'lease'],
    ['BlobArchived', 409, 'UNSUPPORTED', 'Rehydrate it'],
    ['BlobUsesCustomerSpecifiedEncryption', 409, 'CONFIG', 'customerKey'],
    ['Md5Mismatch', 400, 'UNAVAILABLE', 'damaged'],
    ['ServerBusy', 503, 'UNAVAILABLE', 'too many requests'],
    ['OperationTimedOut', 500, 'UNAVAILABLE', 'failed'],
    ['SomethingNew', 500, 'UNAVAILABLE', 'The store failed'],
    ['SomethingNew', 403, 'PERMISSION_DENIED', 'do not allow this request'],
    ['SomethingNew', 409, 'INVALID_ARGUMENT', 'rejected the request'],
    ['ECONNRESET', undefined, 'UNAVAILABLE', 'cannot be reached'],
    ['REQUEST_SEND_ERROR', undefined, 'UNAVAILABLE', 'cannot be reached'],
  ])('maps %s with status %s to %s', (code, status, expected, advice) => {
    const error = storeError(failed(code, status), { what: 'The put of a', key: 'a' }, url)
    expect(error).toMatchObject({ code: expected, key: 'a', url, retryable: expected === 'UNAVAILABLE' })
    expect(error.message).toContain(advice)
    expect(error.message).toMatch(new RegExp(`^The put of a failed\\. .*\\(${code}: Told so\\.\\)$`))
  })

  test('recognizes an error by the details of a response to HEAD', () => {
    const error = failed(undefined, 404, { errorCode: 'ContainerNotFound' })
    expect(storeError(error, { what: 'Looking at a' }, url).message).toContain('The container does not exist')
  })

  test.each([
    ['BlobAlreadyExists', 409, true],
    ['ConditionNotMet', 412, true],
    ['LeaseIdMissing', 412, true],
    ['BlobImmutableDueToPolicy', 409, true],
    ['UnauthorizedBlobOverwrite', 403, true],
    ['ContainerBeingDeleted', 409, false],
    ['BlobNotFound', 404, false],
  ])('knows whether %s with status %s means that the object exists: %s', (code, status, expected) => {
    expect(isThereAlready(failed(code, status))).toBe(expected)
  })

  test.each([
    ['ECONNRESET', undefined, true],
    ['ECONNREFUSED', undefined, false],
    ['InternalError', 500, true],
    ['ServerBusy', 503, true],
    ['BlobAlreadyExists', 409, false],
  ])('knows whether %s with status %s may have been executed: %s', (code, status, expected) => {
    expect(mayHaveHappened(failed(code, status))).toBe(expected)
  })
})
