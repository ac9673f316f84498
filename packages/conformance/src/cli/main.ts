#!/usr/bin/env node
import { exitCodes, run } from './run.ts'

const stop = new AbortController()
process.on('SIGINT', () => {
  if (stop.signal.aborted) process.exit(exitCodes.interrupted)
  process.stderr.write('Stopping after this case. Once more, and it stops at once, and removes nothing.\n')
  stop.abort()
})

// A backend on trial may leave something open that would hold the process.
process.exit(await run(process.argv.slice(2), stop.signal))
