/**
 * Returns the code of a transfer thread. In this repository it is a module. `scripts/bundle.ts` replaces this function by
 * one that returns the text of the module and all that it imports, so that the text is part of every program that a bundler
 * makes of the published package. Throws in a bundle of this repository's own modules, which lacks the module.
 */
export function transferScript(): URL | string {
  const here = import.meta.url
  return new URL(here.endsWith('.ts') ? './transfer-thread.ts' : './transfer-thread.js', here)
}
