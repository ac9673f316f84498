import { readFileSync } from 'node:fs'
import { type AuthClient, JWT, UserRefreshClient } from 'google-auth-library'
import { HoldfastError, messageOf, stringFieldOf } from '@holdfast/core/backend'
import type { GcsOptions } from './options.ts'

/** The scope to read, write and delete objects. */
const scopes = ['https://www.googleapis.com/auth/devstorage.read_write']

/**
 * Returns the credentials of the options, or of the key file that they name; `undefined` if they name none. Throws
 * `CONFIG` for credentials that cannot be read or used. The options of the SDK with these names are not used. They are
 * deprecated, since they send requests to any address that a file contains.
 */
export function givenCredentials({ credentials, keyFilename }: GcsOptions): AuthClient | undefined {
  if (credentials !== undefined) return authClientOf(credentials, 'The credentials')
  if (keyFilename === undefined) return undefined
  try {
    return authClientOf(JSON.parse(readFileSync(keyFilename, 'utf8')) as unknown, keyFilename)
  } catch (error) {
    if (error instanceof HoldfastError) throw error
    // The message of the parser contains a part of the file.
    const reason = error instanceof SyntaxError ? 'it is not JSON' : messageOf(error)
    throw new HoldfastError(
      'CONFIG',
      `${keyFilename} cannot be read as a key file: ${reason}. Correct keyFilename.`,
    )
  }
}

/** Returns the secrets that are sent to a token server, which may repeat them in an error. */
export function secretsIn({ credentials }: GcsOptions): readonly (string | undefined)[] {
  return ['private_key', 'client_secret', 'refresh_token'].map((name) => stringFieldOf(credentials, name))
}

/** Supports the two kinds of keys that Google issues as JSON. */
function authClientOf(credentials: unknown, place: string): AuthClient {
  const text = (name: string): string => {
    const value = stringFieldOf(credentials, name)
    if (value !== undefined && value !== '') return value
    throw new HoldfastError('CONFIG', `${place}: ${name} is missing or empty. Download the key again.`)
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
    `${place}: credentials of type ${type} are not supported here. Name the file in GOOGLE_APPLICATION_CREDENTIALS, or pass a ready-made client.`,
  )
}
