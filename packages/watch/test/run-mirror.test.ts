import { HoldfastError, MemoryBackend } from '@holdfast/core'
import { expect, test } from 'vitest'
import { Runs } from './run-harness.ts'

/** A mirror that is down, or that answers only when a test lets it. */
class TestMirror extends MemoryBackend {
  isDown = false
  #gate: PromiseWithResolvers<undefined> | undefined

  constructor() {
    super('mem:mirror')
  }

  hold(): void {
    this.#gate = Promise.withResolvers()
  }

  letGo(): void {
    this.#gate?.resolve(undefined)
  }

  override async read(...parameters: Parameters<MemoryBackend['read']>) {
    await this.#gate?.promise
    if (this.isDown) throw new HoldfastError('UNAVAILABLE', 'The mirror is down.')
    return super.read(...parameters)
  }
}

test('a run announces that it waits for the mirror, and continues from it once it answers', async () => {
  const mirror = new TestMirror()
  await (await Runs.begin(mirror)).run('save 1')
  const runs = await Runs.begin(mirror)
  mirror.hold()
  const report = await runs.run('[ "$(last)" = 1 ] && save 2', {}, ({ type }) => {
    if (type === 'waitingForMirror') mirror.letGo()
  })
  expect(report).toMatchObject({ exitCode: 0, restarts: 0 })
  expect(runs.told('waitingForMirror')).toEqual([{ type: 'waitingForMirror', url: 'mem:mirror' }])
  expect(await runs.steps()).toEqual([1, 2])
})

test('a run rebuilds a lost catalog, and continues although its mirror is down', async () => {
  const mirror = new TestMirror()
  const runs = await Runs.begin(mirror)
  await runs.run('save 1')
  for await (const { key } of runs.backend.list('catalog/')) await runs.backend.delete([key])
  mirror.isDown = true
  const report = await runs.run('[ "$(last)" = 1 ] && save 2')
  expect(report).toMatchObject({ exitCode: 0, restarts: 0 })
  expect(await runs.steps()).toEqual([1, 2])
})

test('a run that is stopped copies the latest checkpoint to the mirror first', async () => {
  const mirror = new TestMirror()
  const runs = await Runs.begin(mirror)
  const failed = new Promise((resolve) => runs.store.on('mirrorFailed', resolve))
  const mirrored: number[] = []
  runs.store.on('mirrored', ({ step }) => mirrored.push(step))
  const script = `trap 'exit 0' TERM; save 1; save 2; save 3; hang`
  const report = await runs.run(script, {}, (event) => {
    if (event.type === 'started') mirror.isDown = true
    if (event.type === 'ended') mirror.isDown = false
    if (event.type !== 'adopted' || event.saved.step !== 3) return
    void failed.then(() => {
      runs.signals.send('SIGTERM')
    })
  })
  expect(report).toMatchObject({ exitCode: 0, stoppedBy: 'SIGTERM' })
  expect(mirrored).toEqual([3, 2, 1])
})

test('a run reports its end although neither its store nor the mirror answers any more', async () => {
  const mirror = new TestMirror()
  const runs = await Runs.begin(mirror)
  const away = async (): Promise<never> => {
    throw new HoldfastError('UNAVAILABLE', 'The store is away.')
  }
  const report = await runs.run('save 1; exit 4', { restarts: 0 }, ({ type }) => {
    if (type === 'started') mirror.isDown = true
    if (type !== 'ended') return
    runs.backend.read = away
    runs.backend.list = () => {
      throw new HoldfastError('UNAVAILABLE', 'The store is away.')
    }
  })
  expect(report).toMatchObject({ exitCode: 4, unsaved: [], mirror: undefined })
})

test('the report of a run shows how far the mirror is', async () => {
  const runs = await Runs.begin(new TestMirror())
  const { mirror } = await runs.run('save 1')
  expect(mirror).toMatchObject({ newest: { step: 1 }, waiting: [] })
})
