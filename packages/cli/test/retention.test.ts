import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { holdfast } from './holdfast.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-cli-retention-'))
const file = join(folder, 'model.pth')
await writeFile(file, Buffer.alloc(1000, 1))

afterAll(async () => {
  await rm(folder, { recursive: true })
})

test('save keeps the last and the best, and ls, prune, best and metrics report the reasons', async () => {
  const store = join(folder, 'a')
  const keep = ['--keep-last', '2', '--keep-best', 'loss:min', '--keep-best', 'pck:max:2']
  for (const [step, [loss, pck]] of [
    [0.5, 0.1],
    [0.2, 0.2],
    [0.4, 0.9],
    [0.6, 0.3],
    [0.7, 0.1],
  ].entries()) {
    const metrics = ['--metric', `loss=${loss}`, '--metric', `pck=${pck}`]
    const saved = await holdfast(
      folder,
      'save',
      file,
      '--store',
      store,
      '--step',
      String(step),
      ...metrics,
      ...keep,
    )
    expect(saved.code).toBe(0)
    if (step === 2) expect(saved.stdout).toContain('dropped step 0 · not among the last 2, not best')
  }
  const listed = await holdfast(folder, 'ls', '--store', store)
  expect(listed.stdout).toMatch(
    /^STEP.* KEPT BECAUSE\n +4 .*last 2, latest\n +3 .*last 2, best 2 pck\n +2 .*best pck\n +1 .*best loss\n/,
  )
  expect((await holdfast(folder, 'best', '--store', store)).stdout).toMatch(
    /best loss is step 1 · 0.2[^]*best pck is step 2 · 0.9/,
  )
  const metrics = await holdfast(folder, 'metrics', '--store', store, '--plot')
  expect(metrics.stdout).toMatch(/^STEP +loss +pck +CHECKPOINT\n +0 +0.5 +0.1 +deleted\n +1 +0.2 +0.2 +kept/)
  expect(metrics.stdout).toMatch(/\nloss\n.*┤/)
  const planned = await holdfast(folder, 'prune', '--store', store, '--keep-last', '1', '--dry-run')
  expect(planned.stdout).toContain('would drop step 3 · not among the last 1')
  expect(planned.stdout).toContain('kept step 1 · best loss')
  const pruned = await holdfast(folder, 'prune', '--store', store, '--keep-last', '1', '--json')
  expect(JSON.parse(pruned.stdout)).toMatchObject({ command: 'prune', dropped: [{ step: 3 }], bytes: 1000 })
  const attached = await holdfast(folder, 'attach', '4', '--store', store, '--metric', 'loss=0.1')
  expect(attached.stdout).toBe('attached to step 4 · loss 0.1 · best loss\n')
  expect((await holdfast(folder, 'rm', '4', '--store', store)).stderr).toMatch(/best loss.*--allow-best/)
})

test.each(['__proto__', 'constructor', 'toString'])(
  'shows the metric, metadata and file named %s',
  async (name) => {
    const store = join(folder, `named-${name}`)
    const on = (...words: readonly string[]) => holdfast(folder, ...words, '--store', store)
    const named = join(folder, name)
    await writeFile(named, name)
    const keep = ['--keep-last', '1', '--keep-best', `${name}:min`]
    for (const [step, value] of [2, 1, 3].entries()) {
      const values = [
        '--metric',
        `${name}=${value}`,
        '--metric',
        `other-${step}=1`,
        '--meta',
        `${name}={"${name}":1}`,
      ]
      expect((await on('save', named, '--step', String(step), ...values, ...keep)).code).toBe(0)
    }
    expect((await on('best')).stdout).toMatch(new RegExp(`^best ${name} is step 1 `))
    expect((await on('metrics', '--no-plot')).stdout.split('\n')[0]).toContain(name)
    const shown = (await on('show', `best:${name}`, '--json')).stdout
    expect(shown).toContain(`"metrics":{"${name}":1,"other-1":1}`)
    expect(shown).toContain(`"metadata":{"${name}":{"${name}":1}}`)
    expect(shown).toContain(`"files":[{"name":"${name}"`)
    expect(
      (await on('save', file, '--step', '9', '--keep-best', 'loss:min', '--objective', `${name}=x:max`)).code,
    ).toBe(2)
  },
)

test('keeps everything while a run never reports the metric of an objective, and names the nearest metric', async () => {
  const store = join(folder, 'unscored')
  const on = (...words: readonly string[]) => holdfast(folder, ...words, '--store', store)
  const keep = ['--keep-last', '1', '--keep-best', 'val_loss:min', '--keep-unscored', '1 h']
  for (const step of ['1', '2', '3']) {
    const saved = await on('save', file, '--step', step, '--metric', `eval_loss=0.${step}`, ...keep)
    expect(saved.code).toBe(0)
    expect(saved.stderr).toMatch(
      /val_loss has no value.*Recorded metrics: eval_loss.*Did you mean eval_loss\?/,
    )
  }
  expect((await on('ls')).stdout).toMatch(/\n3 checkpoints/)
  for (const words of [['best'], ['best', 'val_loss'], ['best', '--json']]) {
    const { code, stderr } = await on(...words)
    expect([code, stderr]).toEqual([4, expect.stringMatching(/Did you mean eval_loss\?/)])
  }
  expect((await on('best', '--objective', 'eval_loss=eval_loss:min')).stdout).toMatch(
    /^best eval_loss is step 1/,
  )
  const pruned = await on('prune', '--keep-last', '1', '--dry-run')
  expect(pruned.stderr).toMatch(/no checkpoint has the metric val_loss/)
  expect(pruned.stdout).not.toContain('would drop step')
})

test('an evaluator adds its objective, and --forget-objective removes one', async () => {
  const store = join(folder, 'evaluated')
  const keep = ['--keep-last', '2', '--keep-best', 'val_loss:min']
  for (let step = 1; step <= 4; step += 1) {
    const metric = ['--metric', `val_loss=0.${step}`]
    await holdfast(folder, 'save', file, '--store', store, '--step', String(step), ...metric, ...keep)
  }
  const on = (...words: readonly string[]) => holdfast(folder, ...words, '--store', store)
  expect((await on('attach', '3', '--metric', 'acc=0.5', '--keep-best', 'acc:max')).stdout).toBe(
    'attached to step 3 · acc 0.5 · best acc\n',
  )
  expect((await on('best')).stdout).toMatch(/best val_loss is step 1[^]*best acc is step 3/)
  const contradicting = await on('attach', '3', '--metric', 'acc=1', '--objective', 'acc=acc:min')
  expect([contradicting.code, contradicting.stderr]).toEqual([
    2,
    expect.stringMatching(/"acc" is recorded.*--forget-objective acc/),
  ])
  expect((await on('prune', '--dry-run', '--keep-last', '1', '--forget-objective', 'acc')).code).toBe(2)
  const forgotten = await on('prune', '--forget-objective', 'val_loss', '--json')
  expect(forgotten.stdout).toMatch(
    /^{"type":"forgotten","objective":"val_loss"}\n{"type":"result","command":"prune"/,
  )
  expect((await on('prune', '--forget-objective', 'val_loss')).code).toBe(4)
  expect((await on('best')).stdout).toMatch(/^best acc is step 3 .*\n$/)
})

test('reports a misspelt or missing name, with the remedy', async () => {
  const store = join(folder, 'b')
  const refused: readonly (readonly [readonly string[], RegExp])[] = [
    [['save', file, '--step', '1', '--keep-lst', '3'], /Did you mean --keep-last/],
    [['save', file, '--step', '1', '--keep-last', '0'], /whole number from 1/],
    [['save', file, '--step', '1', '--keep-best', 'loss'], /METRIC:min/],
    [['save', file, '--step', '1', '--keep-every', '4 fortnights'], /4 fortnights.*not a duration/],
    [
      ['prune', '--keep-every', '1000', '--keep-every', '50000'],
      /--keep-every is given twice for steps\. Pass it once for steps, once for epochs and once for time\./,
    ],
    [['prune', '--keep-every', '4 h', '--keep-every', '90 min'], /--keep-every is given twice for time\./],
    [
      ['prune', '--keep-best', 'loss:min:5', '--keep-best', 'loss:max'],
      /--keep-best loss is given twice\. Pass another name for the second: loss_2=loss:max\./,
    ],
    [
      ['prune', '--objective', 'loss=val_loss:min', '--keep-best', 'loss:min'],
      /--objective and --keep-best define loss differently\. Write --keep-best loss=val_loss:min\./,
    ],
    [
      ['prune', '--objective', 'loss=val_loss:min', '--keep-best', 'loss:max:3'],
      /Write --keep-best loss=val_loss:min:3\./,
    ],
    [['save', file, '--step', '1', '--max-bytes', 'plenty'], /not a size/],
    [['prune'], /No retention is given/],
    [['attach', '1', '--metric', 'loss=low'], /not a number/],
    [['attach', '1'], /--metric is required/],
  ]
  for (const [words, message] of refused) {
    const { code, stderr } = await holdfast(folder, ...words, '--store', store)
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
  }
  expect((await holdfast(folder, 'metrics', '--store', store)).stdout).toContain('No metric was recorded yet')
})

test('prune counts no bytes as freed that kept checkpoints share', async () => {
  const store = join(folder, 'shared')
  const large = join(folder, 'large.pth')
  await writeFile(large, Buffer.alloc(300_000, 1))
  for (const step of ['1', '2', '3', '4', '5'])
    await holdfast(folder, 'save', large, '-s', store, '--step', step, '--unchanged', 'link')
  for (const [flags, verb] of [
    [['--dry-run'], 'would be freed'],
    [[], 'freed'],
  ] as const) {
    const { stdout } = await holdfast(folder, 'prune', '-s', store, '--keep-last', '2', ...flags)
    expect(stdout).toContain(`\n3 checkpoints, 0 B ${verb} · 900 KB may be shared with other checkpoints · `)
  }
})
