#!/usr/bin/env node
import { exitCodes, run } from './run.ts'

const stop = new AbortController()
process.on('SIGINT', () => {
  if (stop.signal.aborted) process.exit(exitCodes.interrupted)
  process.stderr.write(
    'Stopping after this case. Press Ctrl-C again to stop at once, without deleting the test objects.\n',
  )
  stop.abort()
})

// A faulty backend may leave a handle open, which would keep the process alive.
process.exit(await run(process.argv.slice(2), stop.signal))
