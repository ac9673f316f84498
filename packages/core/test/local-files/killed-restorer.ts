/** Restores 100 files into the folder TO, and kills itself with SIGKILL when it opens file number COUNT: `... TO COUNT`. */
import { deliverToDirectory } from '../../src/local-files/delivery/to-directory.ts'
import { countedDeliveries, plain } from './deliveries.ts'

const [, , to = '', count = ''] = process.argv
const deliveries = countedDeliveries(100, (opened) => {
  if (opened === Number(count)) process.kill(process.pid, 'SIGKILL')
})
await deliverToDirectory(to, deliveries, plain)
