import { nodeErrorCode } from '../../node-errors.ts'
import type { LocalFileSystem } from '../file-system.ts'

/**
 * Returns the mount points that this process sees, or none if the system does not list them. A bind mount of the same
 * file system has the same device id, so only this list shows it.
 */
export async function mountPoints(fileSystem: LocalFileSystem): Promise<ReadonlySet<string>> {
  try {
    return parseMountPoints(await fileSystem.readFile('/proc/self/mountinfo', 'utf8'))
  } catch (error) {
    if (nodeErrorCode(error) === undefined) throw error
    return new Set() // Only Linux has this file.
  }
}

/** See proc_pid_mountinfo(5): the fifth field is the path, with white space and backslashes in octal. */
export function parseMountPoints(mountinfo: string): ReadonlySet<string> {
  const fields = mountinfo.split('\n').map((line) => line.split(' ')[4])
  return new Set(fields.filter((path) => path !== undefined).map(unescapeOctal))
}

/** Only ASCII characters are escaped. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}
