import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { root } from '../parts/checkout.ts'

/** The programs that `package.json` offers to people, by the name of the command. */
const programs = {
  attack: 'tests/attack/src/main.ts',
  'attack:ranks': 'tests/attack/src/ranks/main.ts',
  bench: 'bench/src/main.ts',
  'build:wheel': 'scripts/build-wheel.ts',
  conformance: 'scripts/conformance.ts',
  demo: 'examples/training/src/demo.ts',
  golden: 'packages/core/test/golden/make-stores.ts',
  'install:cli': 'scripts/install-cli.ts',
  'joint-requests': 'bench/src/joint-requests/main.ts',
  'kill-loop': 'packages/adapter-fs/test/kill-loop/main.ts',
  'mirror-loop': 'tests/stores/test/programs/run-mirror-loop.ts',
  model: 'packages/core/test/model/all.ts',
  'release:dry': 'scripts/release-dry.ts',
  'release:version': 'scripts/release-version.ts',
  simulate: 'packages/core/test/simulator/main.ts',
  'simulate-mirrors': 'packages/core/test/simulator/mirror/main.ts',
  'simulate-ranks': 'packages/core/test/simulator/ranks/main.ts',
  site: 'site/src/build.ts',
  'site:deploy': 'site/src/deploy.ts',
  'site:record': 'site/src/record-demo.ts',
  'test-servers': 'tests/servers/src/main.ts',
  'test:python': 'scripts/test-python.ts',
  'test:windows': 'scripts/test-on-windows.ts',
} as const

type Program = keyof typeof programs

const names = Object.keys(programs) as Program[]

/** Programs with `using`, which Node.js 22 cannot parse. */
const needsNode24: readonly Program[] = [
  'attack',
  'attack:ranks',
  'bench',
  'conformance',
  'joint-requests',
  'kill-loop',
]

function skipWithoutUsing(name: Program, skip: (reason: string) => void): void {
  if (needsNode24.includes(name) && process.versions.node.startsWith('22.'))
    skip('the program needs Node.js 24')
}

async function run(name: Program, ...words: readonly string[]) {
  const child = spawn(process.execPath, [join(root, programs[name]), ...words], { cwd: root })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null, string | null]>,
  ])
  return { code, stdout, stderr }
}

test.concurrent.for(names)('%s --help prints the usage', async (name, { skip }) => {
  skipWithoutUsing(name, skip)
  const { code, stdout, stderr } = await run(name, '--help')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(name === 'conformance' ? /^Usage: / : `npx -y pnpm@12 ${name}`)
})

test.concurrent.for(names)(
  '%s refuses an unknown option with one line and exit code 2',
  async (name, { skip }) => {
    skipWithoutUsing(name, skip)
    const { code, stdout, stderr } = await run(name, '--no-such-option')
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^.*\S.*\n$/)
  },
)

test.concurrent.for<readonly [Program, readonly string[], string]>([
  ['attack', ['disk', '--minutes', 'x'], '--minutes must be a positive number, not "x".'],
  ['attack:ranks', ['dsik'], 'The place dsik does not exist. Choose from: disk, s3, gcs, azure.'],
  ['bench', ['fss'], 'The group fss does not exist. Choose among: fs,'],
  ['golden', ['1.8'], 'The store 1.8 does not exist. Choose from: packs, inline, shared, 1.0, 1.7.'],
  ['golden', ['packs', 'inline'], 'Pass only one NAME, without inline.'],
  ['install:cli', [], 'PREFIX is missing.'],
  ['joint-requests', ['8', '--turns', 'x'], 'A size must be a positive integer, not "x".'],
  ['kill-loop', ['--kills', 'x'], '--kills must be a positive integer, not "x".'],
  ['mirror-loop', ['5', '7', '9'], 'Pass only ROUNDS and SEED, without 9.'],
  ['site:deploy', ['a', 'b'], 'Pass only one TARGET, without b.'],
])('%s refuses %j with exit code 2', async ([name, words, message], { skip }) => {
  skipWithoutUsing(name, skip)
  const { code, stdout, stderr } = await run(name, ...words)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^.*\n$/)
  expect(stderr).toContain(message)
})
