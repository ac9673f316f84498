import type { Installation, Tool } from '../definition.ts'
import { run } from '../run.ts'

const go: Tool = { name: 'go', command: 'go', args: ['version'] }

/** Returns an installation by `go install` of one version of a program. The environment variables of go apply. */
export function goInstall(program: string): Installation {
  return {
    from: 'cache',
    tools: [go],
    compiles: true,
    install: async (folder, environment) => {
      await run('go', ['install', program], { environment: { ...environment, GOBIN: folder } })
    },
  }
}
