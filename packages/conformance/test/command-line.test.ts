import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { conformanceCases } from '../src/index.ts'

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
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

test('a backend that keeps the port: a line a case, the capabilities, a sentence, and 0', async () => {
  const { code, stdout, stderr } = await conformance('mem:')
  for (const { name } of conformanceCases) expect(stdout).toContain(`  ${name}\n`)
  expect(stdout).toContain('\nok      put replaces a key that exists\n')
  expect(stdout).toContain('\nfree space      unbounded\n')
  expect(stdout).toMatch(/\nmem:conformance-\w+ keeps the port: all \d+ cases hold; 5 could not be asked\. /)
  expect(stderr).toContain('will charge for some thousands of them')
  expect(code).toBe(0)
})

test('a backend that breaks it: why, and 1', async () => {
  const { code, stdout } = await conformance('hoarding:', '--adapter', hoarding, '--only', '16 Processes')
  expect(stdout).toContain('FAILED  of 16 processes')
  expect(stdout).toContain('        in round 0 16 were told "created"')
  expect(stdout).toContain('breaks the port: 1 of 1 cases failed.')
  expect(code).toBe(1)
})

test('lines of JSON, the result last, and nothing else', async () => {
  const { code, stdout, stderr } = await conformance('mem:', '--only', 'RACING', '--json')
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown)
  expect(lines).toMatchObject([
    { type: 'case', name: 'of racing puts of one key one stands, whole', outcome: 'ok' },
    { type: 'case', outcome: 'ok' },
    { type: 'result', ok: 2, failed: 0, notAsked: 0, capabilities: { hash: 'computed' } },
  ])
  expect(stderr).toBe('')
  expect(code).toBe(0)
})

describe('usage', () => {
  test.each([
    [[], 'Which place?'],
    [['mem:', 'mem:'], 'One place at a time'],
    [['mem:', '--olny', 'x'], "Unknown option '--olny'"],
    [['mem:', '--only', 'no such case'], 'No case has "no such case" in its name.'],
    [['mem:', '--part-size', 'large'], 'is not a size'],
    [['mem:', '--part-size', '0'], 'at least one byte'],
    [['nothing:x'], 'No adapter is known for nothing:'],
    [['mem:', '--adapter', './nothing.js'], 'nothing.js cannot be loaded'],
  ])('%j', async (words, message) => {
    const { code, stderr } = await conformance(...words)
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })

  test('--help', async () => {
    const { code, stdout } = await conformance('--help')
    expect(stdout).toContain('Usage: holdfast-conformance')
    expect(code).toBe(0)
  })

  test('an error as JSON', async () => {
    const { stderr } = await conformance('nothing:x', '--json')
    expect(JSON.parse(stderr)).toMatchObject({ type: 'error', code: 'CONFIG' })
  })
})
