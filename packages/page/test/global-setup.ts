import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Builds the page, which the tests show. */
export default function buildPage(): void {
  const script = fileURLToPath(new URL('../../../scripts/build-page.ts', import.meta.url))
  execFileSync(process.execPath, [script], { stdio: 'inherit' })
}
