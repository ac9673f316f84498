/**
 * The code of a receiving thread. In this repository it is a module. `scripts/bundle.ts` replaces it by the text of the
 * module and all that it imports, so that it is part of every program that a bundler makes of the published package.
 */
export const receivingScript: URL | string = new URL(
  import.meta.url.endsWith('.ts') ? './receiving-thread.ts' : './receiving-thread.js',
  import.meta.url,
)
