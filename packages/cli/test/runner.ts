/**
 * Runs one command line after the other in this process, which saves the start of a process for each. The process has
 * the folder, the environment and the outputs that a process of its own would have. See holdfast.ts.
 */
import { runCommandLine } from '../dist/run-command-line.js'
import { version } from '../dist/version.js'
import { endOfOutput, type Request } from './runner-protocol.ts'

process.on('message', ({ folder, env, words }: Request) => {
  process.chdir(folder)
  for (const name of Object.keys(process.env)) if (!(name in env)) Reflect.deleteProperty(process.env, name)
  Object.assign(process.env, env)
  process.argv = [...process.argv.slice(0, 2), ...words]
  void answer()
})

async function answer(): Promise<void> {
  const code = await runCommandLine(process.argv, { version: version() })
  await Promise.all([process.stdout, process.stderr].map(writeEnd))
  process.send?.(code)
}

async function writeEnd(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write(endOfOutput, () => {
      resolve()
    })
  })
}
