import { readdirSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // No test judges a time: this only ends one that hangs.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: readdirSync(new URL('packages', import.meta.url)).map((name) => ({
      extends: true,
      root: `packages/${name}`,
      test: { name },
    })),
  },
})
