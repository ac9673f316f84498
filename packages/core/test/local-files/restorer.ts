/**
 * Runs a restore in a process that kills itself: `restorer.ts TO CALL FILES`. Before the call number CALL that changes
 * the file system, the process sends itself SIGKILL. FILES is a JSON object.
 */
import { deliverToDirectory } from '../../src/local-files/delivery/to-directory.ts'
import { deliveriesOf, plain } from './deliveries.ts'
import type { Texts } from '../trees.ts'
import { surrounded } from './gated.ts'

const [, , to = '', call = '', files = '{}'] = process.argv
const changing = new Set(['link', 'mkdir', 'rename', 'rmdir', 'unlink'])
let calls = 0
/** Runs one call at a time, so that all earlier calls have had their effect. */
let before: Promise<unknown> = Promise.resolve()
const fileSystem = surrounded((method, _, make) => {
  if (!changing.has(method)) return make()
  const result = before.then(() => {
    calls += 1
    if (calls === Number(call)) process.kill(process.pid, 'SIGKILL')
    return make()
  })
  before = result.catch(() => undefined)
  return result
})
await deliverToDirectory(
  to,
  deliveriesOf(JSON.parse(files) as Texts),
  { ...plain, others: 'remove' },
  fileSystem,
)
