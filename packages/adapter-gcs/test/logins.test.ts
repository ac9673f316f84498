import { Storage } from '@google-cloud/storage'
import { OAuth2Client } from 'google-auth-library'
import { Secrets } from '@holdfast/core/backend'
import { expect, onTestFinished, test } from 'vitest'
import { requesterOf } from '../src/client.ts'
import { storeError } from '../src/errors.ts'
import { Logins } from '../src/logins.ts'
import { bodyOf, send } from '../src/send.ts'
import { ScriptedStore } from './scripted-store.ts'

const longAfter = Date.now() + 3_600_000

/** Returns a function that sends one write with the token `t1`, which the store rejects, and how often the client logged in. */
async function withRejectedToken({
  tokens,
  now,
}: {
  /** The tokens of further logins. The store accepts only `good`. */
  readonly tokens: readonly string[]
  readonly now?: () => number
}): Promise<{ readonly write: () => Promise<string>; readonly logins: () => number }> {
  const store = await ScriptedStore.start()
  onTestFinished(() => store[Symbol.asyncDispose]())
  store.fault = ({ headers }) =>
    headers.authorization === 'Bearer good' ? undefined : { status: 401, reason: 'authError' }
  let logins = 0
  const authClient = new OAuth2Client()
  authClient.setCredentials({ access_token: 't1', expiry_date: longAfter })
  authClient.refreshHandler = async () => {
    logins += 1
    return { access_token: tokens[logins - 1] ?? '', expiry_date: longAfter }
  }
  const client = new Storage({ apiEndpoint: store.endpoint, authClient, useAuthWithCustomEndpoint: true })
  const none = { pooled: undefined, unpooled: undefined, direct: undefined }
  const requester = requesterOf(client, new Secrets(), none, new Logins(client.authClient, now))
  const url = `${store.endpoint}/upload/storage/v1/b/b/o`
  const query = { uploadType: 'resumable', name: 'k' }
  return {
    async write() {
      try {
        await send(requester, { method: 'POST', url, query, body: bodyOf(Buffer.from('{}')) })
        return 'ok'
      } catch (error) {
        const { code, retryable } = storeError(error, { what: 'The write' }, 'gs://b')
        return `${code}${retryable ? ', retryable' : ''}`
      }
    },
    logins: () => logins,
  }
}

test('lets a write be retried with another token if the store rejects one that seems valid', async () => {
  const { write, logins } = await withRejectedToken({ tokens: ['good'] })
  const together = await Promise.all([write(), write()])
  expect(together).toEqual(['UNAVAILABLE, retryable', 'UNAVAILABLE, retryable'])
  expect(await write()).toBe('ok')
  expect(logins()).toBe(1)
})

test('reports that the login is rejected if another token is rejected, too', async () => {
  let time = 0
  const { write, logins } = await withRejectedToken({ tokens: ['t2', 'good'], now: () => time })
  expect(await write()).toBe('UNAVAILABLE, retryable')
  expect(await write()).toBe('PERMISSION_DENIED')
  expect(await write()).toBe('PERMISSION_DENIED')
  expect(logins()).toBe(1)
  time += 60_000
  expect(await write()).toBe('UNAVAILABLE, retryable')
  expect(await write()).toBe('ok')
})
