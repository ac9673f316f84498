import { readFile } from 'node:fs/promises'

/** The script and the style sheet of the page, which the build makes of `app/`. */
export interface BuiltPage {
  readonly script: string
  readonly style: string
}

/** Reads the built files of this package. */
export async function readBuiltPage(): Promise<BuiltPage> {
  const [script, style] = await Promise.all([
    readFile(new URL('../built/page.js', import.meta.url), 'utf8'),
    readFile(new URL('../built/page.css', import.meta.url), 'utf8'),
  ])
  return { script, style }
}
