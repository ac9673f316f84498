import { createHash } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast } from './holdfast.ts'

/** Every command that reads or writes a store. */
const commands: readonly string[] = [
  'save model.bin --step 3',
  'restore latest --to out',
  'restore latest --to out --fallback',
  'ls',
  'copy store other',
  'watch . --layout safetensors --quiet-period 0',
  'run --watch out -- true',
  'join --rank 0 --world-size 1 --member member',
  'restore latest --to out --rank 0 --world-size 1',
  'save model.bin --step 3 --rank 0 --world-size 1',
  'rewind 1',
  'ok 1',
  'cat 2 model.bin',
  'stats',
  'status',
  'show latest',
  'diff 1 2',
  'best --objective loss=loss:min',
  'metrics',
  'report --output page.html',
  'path 2 model.bin',
  'sums 2',
  'import . --pattern mod*.bin --dry-run',
  'attach 2 --metric late=1',
  'pin 2',
  'unpin 2',
  'rm 1',
  'undo',
  'undo --dry-run',
  'prune --keep-last 1',
  'prune --keep-last 1 --dry-run',
  'verify',
  'verify --quick',
  'sweep',
  'sweep --dry-run',
  'repair',
  'doctor',
]

/**
 * Commands that open no store themselves, `ui`, whose page shows the error, and `runs`, which lists such a store with
 * the reason (see runs.test.ts).
 */
const others = new Set(['help', 'completion', 'config', 'serve', 'ui', 'runs'])

/** Creates a folder with a store of two checkpoints. */
async function folderWithStore(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'model.bin'), 'weights')
  // Its format shows its end, so that `watch` does not wait for a long quiet period.
  await writeFile(join(folder, 'step-3.safetensors'), Buffer.from('\x02\0\0\0\0\0\0\0{}'))
  for (const step of ['1', '2']) {
    const saved = await holdfast(folder, ...words(`save model.bin --step ${step} --metric loss=1`))
    expect(saved.code).toBe(0)
  }
  return folder
}

function words(command: string): readonly string[] {
  const [name = '', ...others] = command.split(' ')
  return others.includes('store') ? [name, ...others] : [name, '--store', 'store', ...others]
}

/** Makes a document require a feature, and seals it as docs/format.md says. */
async function requireFeature(file: string, kind: string): Promise<void> {
  const text = await readFile(file, 'utf8')
  const document = JSON.parse(text) as Record<string, object>
  const body = JSON.stringify({ ...document[kind], requires: ['unheard-of'] })
  const sha256 = createHash('sha256').update(body).digest('hex')
  await chmod(file, 0o600)
  await writeFile(file, `{"sha256":"${sha256}","${kind}":${body}}\n`)
}

async function contentOf(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
  return Promise.all(
    files.sort().map(
      async (file) =>
        `${file} ${createHash('sha256')
          .update(await readFile(file))
          .digest('hex')}`,
    ),
  )
}

test('lists every command', async () => {
  const { stdout } = await holdfast(tmpdir(), '--help')
  const names = [...stdout.matchAll(/^ {2}([a-z]+) .*\S/gm)].map(([, name = '']) => name)
  const listed = new Set(commands.map((command) => command.split(' ', 1)[0]))
  expect(names.filter((name) => !others.has(name) && !listed.has(name))).toEqual([])
})

test.each(['catalog', 'marker'])(
  'every command refuses a %s that requires an unknown feature',
  async (kind) => {
    const folder = await folderWithStore()
    const store = join(folder, 'store')
    const newest = (await readdir(join(store, 'catalog'))).sort().at(-1) ?? ''
    await requireFeature(join(store, kind === 'catalog' ? join(kind, newest) : 'holdfast.json'), kind)
    const before = await contentOf(folder)
    for (const command of commands) {
      const { code, stdout, stderr } = await holdfast(folder, ...words(command))
      const said = stdout + stderr
      expect([command, code, said]).toEqual([command, 1, expect.stringContaining('requires "unheard-of"')])
    }
    expect(await contentOf(folder)).toEqual(before)
  },
)
