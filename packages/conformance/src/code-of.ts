import { isHoldfastError } from '@holdfast/core/backend'

/** Returns the code of the Holdfast error that a call rejects with, or `no error`. Any other error is thrown. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'no error'
  } catch (error) {
    if (isHoldfastError(error)) return error.code
    throw error
  }
}
