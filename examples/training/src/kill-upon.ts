/**
 * Kills this process when it sends a message of the kind and step that `KILL_UPON` names, such as `saving 5`. Node.js loads it before
 * the training, by `--import`.
 */
import type { Message } from './messages.ts'

const [kind, step] = (process.env['KILL_UPON'] ?? '').split(' ')
const send: ((message: Message) => boolean) | undefined = process.send?.bind(process)

process.send = (message: Message): boolean => {
  const isSent = send?.(message) ?? false
  if (message.kind === kind && 'step' in message && message.step === Number(step))
    process.kill(process.pid, 'SIGKILL')
  return isSent
}
