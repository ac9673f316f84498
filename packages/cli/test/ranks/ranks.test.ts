import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, watch, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { environment, holdfastProcess, main, type Outcome } from '../holdfast.ts'

/** A job of several ranks on this machine, as torchrun starts it. Each command is a process of its own. */
class Job {
  readonly folder: string
  readonly size: number

  private constructor(folder: string, size: number) {
    this.folder = folder
    this.size = size
  }

  static async make(size: number): Promise<Job> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-ranks-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
    const job = new Job(folder, size)
    await job.train(0)
    return job
  }

  get store(): string {
    return join(this.folder, 'store')
  }

  /** Writes the shard of each rank. */
  async train(step: number): Promise<void> {
    for (const rank of this.ranks)
      await writeFile(join(this.folder, `shard-${rank}.pt`), `rank ${rank}, step ${step}`)
  }

  get ranks(): readonly number[] {
    return Array.from({ length: this.size }, (_, rank) => rank)
  }

  /** Runs a command as one rank. `R` in a word is the rank. */
  async one(rank: number, ...words: readonly string[]): Promise<Outcome> {
    return holdfastProcess(this.#env(rank), this.folder, ...this.#words(rank, words))
  }

  /** Runs a command as every rank at the same time. */
  async all(...words: readonly string[]): Promise<readonly Outcome[]> {
    return Promise.all(this.ranks.map((rank) => this.one(rank, ...words)))
  }

  /** Starts a command as one rank, which the test kills. */
  start(rank: number, ...words: readonly string[]): ChildProcess {
    return spawn(process.execPath, [main, ...this.#words(rank, words)], {
      cwd: this.folder,
      env: this.#env(rank),
      stdio: 'ignore',
    })
  }

  /** Resolves once the store has a file whose path contains the text. */
  async untilStored(text: string): Promise<void> {
    const stop = new AbortController()
    const changes = watch(this.store, { recursive: true, signal: stop.signal })[Symbol.asyncIterator]()
    while (!(await readdir(this.store, { recursive: true })).some((path) => path.includes(text)))
      await changes.next()
    stop.abort()
  }

  #env(rank: number): NodeJS.ProcessEnv {
    return { ...environment(), HOLDFAST_STORE: this.store, RANK: String(rank), WORLD_SIZE: String(this.size) }
  }

  #words(rank: number, words: readonly string[]): readonly string[] {
    return words.map((word) => word.replaceAll('R', String(rank)))
  }
}

const restore = ['restore', 'latest', '--to', 'resume-R', '--ranks', 'env', '--member', 'member-R']

function save(step: number): readonly string[] {
  return ['save', 'shard-R.pt', '--step', String(step), '--member', 'member-R']
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'close')
}

test('saves with four ranks, survives the death of all, and resumes all from the same step', async () => {
  const job = await Job.make(4)
  for (const { code, stdout, stderr } of await job.all(...restore)) {
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/^rank \d of 4, by RANK and WORLD_SIZE \(torchrun\)\n$/),
    ])
    expect(stdout).toContain('nothing to restore: ')
  }
  const saved = await job.all(...save(500))
  expect(saved.map(({ code }) => code)).toEqual([0, 0, 0, 0])
  const texts = saved.map(({ stdout }) => stdout.trim())
  const committers = texts.flatMap((text, rank) => (text.includes(' · 4 ranks · ') ? [rank] : []))
  expect(committers).toHaveLength(1)
  for (const [rank, text] of texts.entries()) {
    if (rank !== committers[0])
      expect(text).toBe(`saved step 500 together · committed by rank ${committers[0]}`)
    else expect(text).toMatch(/^saved step 500 together · 4 ranks · 56 B in [\d.]+ s$/)
  }

  // All ranks die while they save step 600. One part is missing, so the step is not committed.
  await job.train(600)
  const dying = [0, 1, 2].map((rank) => job.start(rank, ...save(600)))
  await job.untilStored('/parts/600-')
  await Promise.all(dying.map(killed))

  const resumed = await job.all(...restore, '--file', 'shard-R.*', '--json')
  expect(resumed.map(({ code }) => code)).toEqual([0, 0, 0, 0])
  for (const rank of job.ranks) {
    expect(await readdir(join(job.folder, `resume-${rank}`))).toEqual([`shard-${rank}.pt`])
    expect(JSON.parse(resumed[rank]?.stdout ?? '')).toMatchObject({ step: 500 })
    const restored = await readFile(join(job.folder, `resume-${rank}`, `shard-${rank}.pt`), 'utf8')
    expect(restored).toBe(`rank ${rank}, step 0`)
  }
  await job.train(601)
  const results = (await job.all(...save(600), '--json')).map(({ stdout }): unknown => JSON.parse(stdout))
  for (const rank of job.ranks)
    expect(results[rank]).toMatchObject({
      type: 'result',
      fileCount: 4,
      bytes: 64,
      ranks: { rank, size: 4 },
      committedBy: expect.any(Number) as number,
    })
  const alone = ['restore', 'latest', '--to', 'check']
  expect(
    (await holdfastProcess({ ...environment(), HOLDFAST_STORE: job.store }, job.folder, ...alone)).code,
  ).toBe(0)
  for (const rank of job.ranks)
    expect(await readFile(join(job.folder, 'check', `shard-${rank}.pt`), 'utf8')).toBe(
      `rank ${rank}, step 601`,
    )
})

test('repeats a command that was killed after it stored its part', async () => {
  const job = await Job.make(2)
  await job.all(...restore)
  const early = job.start(0, ...save(1))
  await job.untilStored('/parts/1-')
  await killed(early)
  expect((await job.all(...save(1))).map(({ code }) => code)).toEqual([0, 0])
  await job.train(2)
  expect(await job.one(0, ...save(1))).toMatchObject({
    code: 6,
    stderr: expect.stringContaining(
      'Rank 0 has already stored its part of step 1 with other bytes',
    ) as string,
  })
  expect((await job.one(0, 'restore', '1', '--to', 'check')).code).toBe(0)
  expect(await readFile(join(job.folder, 'check', 'shard-0.pt'), 'utf8')).toBe('rank 0, step 0')
})

test('exits with 10 and names the ranks that did not deliver, and with 10 if they do not join', async () => {
  const job = await Job.make(3)
  await job.all(...restore)
  expect(await job.one(1, ...save(7), '--save-timeout', '0.2')).toMatchObject({
    code: 10,
    stderr: expect.stringContaining(
      'Ranks 0 and 2 of 3 did not deliver their part of step 7 within 0.2 s',
    ) as string,
  })
  const waiting = /^step 7: 1 of 3 parts, waiting for ranks 0 and 2 for [\d.]+ s$/m
  for (const command of ['ls', 'sweep']) {
    const { stdout } = await job.one(0, command)
    expect(stdout).toContain('1 unfinished save · 14 B · of the ranks of a job. Its next start removes')
    // It would take the store from the job, which is still saving.
    expect(stdout).not.toContain('sweep --now')
    if (command === 'ls') expect(stdout).toMatch(waiting)
  }
  expect(await job.one(0, 'show', '7')).toMatchObject({
    code: 4,
    stderr: expect.stringMatching(waiting) as string,
  })
  expect((await job.one(0, 'doctor')).stdout).toContain('step 7: 1 of 3 parts, waiting for ranks 0 and 2 for')
  expect(await job.one(0, ...restore, '--join-timeout', '0.2', '--json')).toMatchObject({
    code: 10,
    stderr: expect.stringContaining('"code":"INCOMPLETE"') as string,
  })
})

test('prints whether a job that a rank joins starts from the beginning or continues', async () => {
  const job = await Job.make(2)
  const join = ['join', '--rank', 'R', '--world-size', '2', '--member', 'member-R']
  expect((await job.all(...join)).map(({ stdout }) => stdout)).toEqual([
    'joined as rank 0 of 2 · the job starts from the beginning\n',
    'joined as rank 1 of 2 · the job starts from the beginning\n',
  ])
  await job.all(...save(7))
  expect((await job.all(...join)).map(({ stdout }) => stdout)).toEqual([
    'joined as rank 0 of 2 · the job continues from step 7\n',
    'joined as rank 1 of 2 · the job continues from step 7\n',
  ])
})

test('fences a command with the member file of an earlier start, and names the remedy', async () => {
  const job = await Job.make(2)
  await job.all(...restore)
  await job.all('join', '--ranks', 'env', '--member', 'newer-R')
  const { code, stderr } = await job.one(0, ...save(1))
  expect(code).toBe(6)
  expect(stderr).toMatch(/was started again.* run holdfast restore latest --to DIR --ranks env --member FILE/)
  const joined = await job.all('join', '--ranks', 'env', '--member', 'member-R', '--json')
  expect(joined.map(({ stdout }): unknown => JSON.parse(stdout))).toEqual([
    { type: 'result', command: 'join', rank: 0, size: 2 },
    { type: 'result', command: 'join', rank: 1, size: 2 },
  ])
})

test('rewinds together, and prunes as one member', async () => {
  const job = await Job.make(2)
  await job.all(...restore)
  for (const step of [1, 2, 3]) await job.all(...save(step))
  const rewound = await job.all('rewind', '2', '--ranks', 'env', '--member', 'member-R')
  for (const { code, stdout } of rewound)
    expect([code, stdout]).toEqual([
      0,
      'latest is now step 2 · step 3 is abandoned · holdfast restore latest gives step 2\nThe next save drops step 3.\n',
    ])
  expect(await job.one(1, 'prune', '--keep-last', '1', '--member', 'member-R')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('dropped step 1') as string,
  })
  expect((await job.all(...save(3))).map(({ code }) => code)).toEqual([0, 0])
  expect(await job.one(0, 'rewind', '2', '--member', 'member-R')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('must know its number') as string,
  })
})

test('rejects a damaged member file, that of another rank, and none', async () => {
  const job = await Job.make(1)
  await job.all(...restore)
  const file = join(job.folder, 'member-0')
  const text = await readFile(file, 'utf8')
  const inOrder = [
    [text.replace('"size":1', '"size":2'), save(1), 'checksum does not match'],
    [
      text,
      [...save(1), '--rank', '1', '--world-size', '2'],
      'is that of rank 0 of 1, and this process is rank 1 of 2',
    ],
    [text, save(1).map((word) => (word === 'member-R' ? 'missing' : word)), 'There is no member file'],
    [
      text,
      restore.map((word) => (word === '--ranks' ? '--rank' : word === 'env' ? '0' : word)),
      '--world-size is missing',
    ],
    [text, ['save', 'shard-R.pt', '--step', '1', '--save-timeout', '5'], 'requires --ranks env'],
    [text, ['save', '--step', '1'], 'No file is given'],
  ] as const
  for (const [content, words, message] of inOrder) {
    await writeFile(file, content)
    expect(await job.one(0, ...words)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(message) as string,
    })
  }
  expect((await job.one(0, ...save(1))).code).toBe(0)
})

test('saves without a member file if all ranks do, and a rank may have no files', async () => {
  const job = await Job.make(2)
  const [zero, one] = await Promise.all([
    job.one(0, 'save', 'shard-R.pt', '--step', '1', '--ranks', 'env'),
    job.one(1, 'save', '--step', '1', '--rank', 'R', '--world-size', '2'),
  ])
  expect([zero.code, one.code]).toEqual([0, 0])
  expect(one.stderr).toContain('each save joins the job again')
})

test('notes that a restore without a member file keeps no membership', async () => {
  const job = await Job.make(1)
  const { code, stderr } = await job.one(0, ...restore.slice(0, -2))
  expect(code).toBe(0)
  expect(stderr).toContain('the membership of this rank ends with this command')
})

test('advises ranks that save a step without --ranks to save it together before it advises to replace it', async () => {
  const job = await Job.make(2)
  expect((await job.one(0, 'save', 'shard-R.pt', '--step', '6')).code).toBe(0)
  const { code, stderr } = await job.one(1, 'save', 'shard-R.pt', '--step', '6')
  expect(code).toBe(6)
  expect(stderr).toMatch(/already saved\. RANK and WORLD_SIZE .* --ranks env or --member FILE .* --replace/)
})

test('prints for which ranks a command waits, and not with --json', async () => {
  const job = await Job.make(3)
  const join = ['join', '--ranks', 'env', '--member', 'member-R', '--join-timeout', '7']
  const [text, json] = await Promise.all([job.one(0, ...join), job.one(1, ...join, '--json')])
  expect([text.code, json.code]).toEqual([10, 10])
  expect(text.stderr.split('\n')).toContain('waiting for rank 2')
  expect(json.stderr).not.toContain('waiting for')
})
