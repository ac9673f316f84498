import { readFileSync } from 'node:fs'
import { type AuthClient, JWT, UserRefreshClient } from 'google-auth-library'
import { HoldfastError, messageOf, stringFieldOf } from '@holdfast/core/backend'
import type { GcsOptions } from './options.ts'

/** Objects may be read, written and deleted, and nothing else. */
const scopes = ['https://www.googleapis.com/auth/devstorage.read_write']

/**
 * The credentials that the options give, by themselves or by the path of a key file; `undefined` when they give none.
 * Throws `CONFIG` for such as cannot be read or used. Not by the SDK's options of these names, which are deprecated
 * since they follow any address that stands in a file.
 */
export function givenCredentials({ credentials, keyFilename }: GcsOptions): AuthClient | undefined {
  if (credentials !== undefined) return authClientOf(credentials, 'The credentials')
  if (keyFilename === undefined) return undefined
  try {
    return authClientOf(JSON.parse(readFileSync(keyFilename, 'utf8')) as unknown, keyFilename)
  } catch (error) {
    if (error instanceof HoldfastError) throw error
    // The message of the parser repeats a part of the file.
    const reason = error instanceof SyntaxError ? 'it is not JSON' : messageOf(error)
    throw new HoldfastError('CONFIG', `${keyFilename} cannot be read as a key file: ${reason}.`)
  }
}

/** What a server of tokens is sent, and may repeat in an error. */
export function secretsIn({ credentials }: GcsOptions): readonly (string | undefined)[] {
  return ['private_key', 'client_secret', 'refresh_token'].map((name) => stringFieldOf(credentials, name))
}

/** The two kinds of keys that Google gives out as JSON. */
function authClientOf(credentials: unknown, place: string): AuthClient {
  const text = (name: string): string => {
    const value = stringFieldOf(credentials, name)
    if (value !== undefined && value !== '') return value
    throw new HoldfastError('CONFIG', `${place}: there is no ${name} in it.`)
  }
  const type = text('type')
  if (type === 'service_account')
    return new JWT({ email: text('client_email'), key: text('private_key'), scopes })
  if (type === 'authorized_user') {
    return new UserRefreshClient({
      clientId: text('client_id'),
      clientSecret: text('client_secret'),
      refreshToken: text('refresh_token'),
    })
  }
  throw new HoldfastError(
    'CONFIG',
    `${place}: credentials of type ${type} are taken from the file that GOOGLE_APPLICATION_CREDENTIALS names, or by a ready-made client.`,
  )
}
