/** One of several processes that race for the same keys. Writes the rounds that it won, as JSON. */
import { FileBackend } from '../src/index.ts'

const [, , root = '', name = '', rounds = '0'] = process.argv
const backend = new FileBackend(root)
const won: number[] = []
for (let round = 0; round < Number(rounds); round += 1) {
  const outcome = await backend.commit(`race/${round}`, Buffer.from(`${name} ${round}`))
  if (outcome === 'created') won.push(round)
}
process.stdout.write(JSON.stringify(won))
