import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: ['packages/*'],
    // No test judges a time: this only ends one that hangs.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
