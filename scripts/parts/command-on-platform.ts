import { win32 } from 'node:path'

/** How Node.js starts a program. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly shell: boolean
}

/**
 * Returns how to start a program. On Windows, tools such as `pnpm` and `npx` are batch files, which only a shell can start
 * (https://nodejs.org/api/child_process.html#spawning-bat-and-cmd-files-on-windows), and Node.js does not quote words for a shell.
 */
export function commandOn(platform: NodeJS.Platform, program: string, words: readonly string[]): Command {
  if (platform !== 'win32' || win32.isAbsolute(program)) return { file: program, args: words, shell: false }
  const quote = words.find((word) => /["%]/.test(word))
  if (quote !== undefined) throw new Error(`The word ${quote} cannot be quoted for the shell of Windows.`)
  return {
    file: program,
    args: words.map((word) => (/^[\w@./:=-]+$/.test(word) ? word : `"${word}"`)),
    shell: true,
  }
}
