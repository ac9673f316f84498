/**
 * Visits the states of every scenario of the catalog, of ranks and of copies with the rules of the product, and prints how many
 * there are: `npx -y pnpm@12 model`. It takes more than a quarter of an hour and 5 GB.
 */
import { expectNoOptions } from '../../../../scripts/parts/command-line.ts'

expectNoOptions(import.meta.filename)
await import('./main.ts')
await import('./ranks/main.ts')
await import('./copies/main.ts')
