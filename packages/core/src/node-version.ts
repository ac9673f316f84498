/**
 * Throws on a Node.js that cannot run Holdfast. It is evaluated before every other module. If nobody catches the error,
 * the process ends with exit code 2 and one sentence instead of a stack trace.
 */
const { node } = process.versions
const [major = 0, minor = 0] = node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 18)) {
  const error = Object.assign(
    new Error(
      `Holdfast needs Node.js 22.18 or newer, and this is Node.js ${node}. Install a newer one from https://nodejs.org.`,
    ),
    { code: 'UNSUPPORTED' },
  )
  process.on('uncaughtExceptionMonitor', (uncaught) => {
    if (uncaught !== error || process.listenerCount('uncaughtException') > 0) return
    process.stderr.write(`${error.message}\n`)
    process.exit(2)
  })
  throw error
}
