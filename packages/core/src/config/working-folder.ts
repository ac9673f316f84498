import { HoldfastError } from '../errors.ts'

/** Returns the working folder of this process. Throws `CONFIG` if it was deleted. */
export function workingFolder(): string {
  try {
    return process.cwd()
  } catch (error) {
    throw new HoldfastError(
      'CONFIG',
      'The working folder no longer exists. Change to another folder, or pass absolute paths.',
      { cause: error },
    )
  }
}

/** Whether the working folder still exists. A caller who names a store by its full path does not require it. */
export function hasWorkingFolder(): boolean {
  try {
    process.cwd()
    return true
  } catch {
    return false
  }
}
