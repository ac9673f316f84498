#!/usr/bin/env node
import { run } from './run.ts'

// A reader that has seen enough, such as head(1), is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit()
  throw error
})

process.exitCode = await run(process.argv)
