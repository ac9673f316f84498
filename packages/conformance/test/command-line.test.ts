import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { conformanceCases } from '../src/index.ts'

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const overwriting = fileURLToPath(new URL('overwriting-adapter.ts', import.meta.url))
const hoarding = fileURLToPath(new URL('hoarding-adapter.ts', import.meta.url))

interface Outcome {
  readonly code: number | string | null
  readonly stdout: string
  readonly stderr: string
}

async function conformance(...words: readonly string[]): Promise<Outcome> {
  const env = { ...process.env, NO_COLOR: '1', NODE_NO_WARNINGS: '1' }
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...words], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? null), stdout, stderr })
    })
  })
}

test('prints each case, the capabilities and the result, and exits with 0 if all cases pass', async () => {
  const { code, stdout, stderr } = await conformance('mem:')
  for (const { name } of conformanceCases) expect(stdout).toContain(`  ${name}\n`)
  expect(stdout).toContain('\nok      put replaces an existing object\n')
  expect(stdout).toContain('\nfree space      unbounded\n')
  expect(stdout).toMatch(/\nmem:conformance-\w+ passes the suite: all \d+ cases passed, \d+ skipped\. /)
  expect(stdout).toContain('skip    setHold holds objects until the hold ends, and rejects an absent key\n')
  expect(stdout).toContain('        the capabilities of the backend do not declare holdsObjects\n')
  expect(stderr).toContain('Providers may charge for both')
  expect(code).toBe(0)
})

test('fails the suite and exits with 1 if the probe finds a fault', async () => {
  const { code, stdout } = await conformance(
    'overwriting:',
    '--adapter',
    overwriting,
    '--only',
    'commit stores',
  )
  expect(stdout).toMatch(/^ok {6}read +objects can be listed/)
  expect(stdout).toContain('FAILED  conditional create')
  expect(stdout).toContain(
    'fails the suite: the probe of conditional create failed, and 0 of 1 cases failed.',
  )
  expect(code).toBe(1)
})

test('prints the reason of a failure, and exits with 1', async () => {
  const { code, stdout } = await conformance('hoarding:', '--adapter', hoarding, '--only', '16 Processes')
  expect(stdout).toContain('FAILED  exactly one of 16 processes')
  expect(stdout).toContain('        in round 0, 16 processes got "created"')
  expect(stdout).toContain('fails the suite: 1 of 1 cases failed.')
  expect(code).toBe(1)
})

test('prints only lines of JSON with --json, and the result in the last line', async () => {
  const { code, stdout, stderr } = await conformance('mem:', '--only', 'CONCURRENT PUTS', '--json')
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
  const probed = ['read', 'write', 'delete', 'clock', 'conditional create', 'free space']
  expect(lines).toMatchObject([
    ...probed.map((check) => ({ type: 'probe', check, verdict: 'good' })),
    {
      type: 'case',
      name: 'concurrent puts to one key leave the complete body of one of them',
      outcome: 'ok',
    },
    { type: 'case', outcome: 'ok' },
    { type: 'result', ok: 2, failed: 0, skipped: 0, capabilities: { hash: 'computed' } },
  ])
  expect(stderr).toBe('')
  expect(code).toBe(0)
})

test('claims that a place passes the suite only if no case was left out', async () => {
  const { code, stdout } = await conformance('mem:', '--only', 'commit stores')
  expect(stdout).toMatch(new RegExp(`: 1 of ${conformanceCases.length} cases ran, and passed\\.`))
  expect(stdout).not.toContain('passes the suite')
  expect(code).toBe(0)
})

test('exits with 2 if no case ran', async () => {
  const { code, stdout } = await conformance('mem:', '--only', 'setHold holds')
  expect(stdout).toMatch(/\nNo case ran on mem:conformance-\w+, 1 skipped\. /)
  expect(code).toBe(2)
})

test('says that a place in memory has no policy documents', async () => {
  const { code, stdout } = await conformance('mem:', '--only', 'commit stores', '--policies')
  expect(stdout).toContain('This kind of place has no policy documents.')
  expect(code).toBe(0)
})

describe('the command line', () => {
  test.each([
    [[], 'No place was given'],
    [['mem:', 'mem:'], 'Several places were given'],
    [['mem:', '--olny', 'x'], "Unknown option '--olny'"],
    [['mem:', '--only', 'no such case'], 'No name of a case contains "no such case"'],
    [['mem:', '--part-size', 'large'], 'is not a size'],
    [['mem:', '--part-size', '0'], '--part-size must be greater than 0'],
    [['mem:', '--part-size', '1 KiB'], 'parts of this backend are larger than 1.0 KB'],
    [['nothing:x'], 'No adapter is known for nothing:'],
    [['mem:', '--adapter', './nothing.js'], 'nothing.js cannot be loaded'],
  ])('rejects the arguments %j with exit code 2', async (words, message) => {
    const { code, stderr } = await conformance(...words)
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })

  test('prints the usage with --help', async () => {
    const { code, stdout } = await conformance('--help')
    expect(stdout).toContain('Usage: holdfast-conformance')
    expect(code).toBe(0)
  })

  test('prints an error as JSON with --json', async () => {
    const { stderr } = await conformance('nothing:x', '--json')
    expect(JSON.parse(stderr)).toMatchObject({ type: 'error', code: 'CONFIG' })
  })
})
