import process from 'node:process'
import { openStore } from '@holdfast/core'

openStore(process.argv[2], { config: false }).catch((error) => {
  process.stdout.write(`${error.code}: ${error.message}\n`)
})
