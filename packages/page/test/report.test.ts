import { gunzipSync } from 'node:zlib'
import { CheckpointStore, MemoryBackend } from '@holdfast/core'
import { describe, expect, test } from 'vitest'
import { collectRun, readBuiltPage, reportOf } from '../src/index.ts'
import { hostileTexts, samplePage } from './samples.ts'

const built = await readBuiltPage()

describe('the report', () => {
  test('stays below 1 MB for 10,000 steps with a checkpoint at each', () => {
    const sample = samplePage(10_000)
    const [first] = sample.checkpoints
    if (first === undefined) throw new Error('The sample has no checkpoint.')
    const checkpoints = sample.metrics.steps.map((step) => ({
      ...first,
      step,
      savedAt: first.savedAt + step * 61_234,
    }))
    expect(Buffer.byteLength(reportOf({ ...sample, checkpoints }, built))).toBeLessThan(1_000_000)
  })

  test('contains no text of the store as it is', () => {
    for (const text of hostileTexts.filter((each) => each.includes('harmed'))) {
      const html = reportOf(samplePage(3, { name: text, url: text }), built)
      expect(html).not.toContain('harmed')
    }
  })

  test('forbids every request, and every script but its own', () => {
    const html = reportOf(samplePage(3), built)
    const policy = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html)?.[1] ?? ''
    expect(policy).toMatch(
      /^default-src 'none'; script-src 'sha256-[\w+/=]+'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'$/,
    )
  })

  test('needs less than 200 KB for its script and style, compressed', async () => {
    const { gzipSync } = await import('node:zlib')
    expect(gzipSync(`${built.script}${built.style}`).byteLength).toBeLessThan(200_000)
  })
})

describe('what is collected of a run', () => {
  test('has the kept checkpoints with reasons, and the metrics of dropped ones', async () => {
    await using store = new CheckpointStore(new MemoryBackend('mem:'), {
      objectives: { loss: { metric: 'val_loss', direction: 'min' } },
      retention: { keepLast: 1, keepBest: { loss: 1 } },
    })
    for (const [step, val_loss] of [0.5, 0.123456789, 0.3, Number.NaN].entries())
      await store.save({ step, files: { a: Buffer.from('a') }, metrics: { val_loss }, tags: ['x'] })
    const page = await collectRun(store, { now: new Date(0) })
    expect(page).toMatchObject({
      url: store.url,
      readAt: 0,
      hasRetention: true,
      reasons: [
        { reason: 'best loss', checkpoints: 1, bytes: 1, bytesAlone: 1 },
        { reason: 'last 1', checkpoints: 1, bytes: 1, bytesAlone: 1 },
      ],
      nextDrops: [{ step: 3, because: 'not among the last 1, not best' }],
      checkpoints: [
        { step: 1, files: 1, bytes: 1, kept: ['best loss'], bestOf: ['loss'], tags: ['x'] },
        { step: 3, kept: ['last 1'] },
      ],
      metrics: {
        steps: [0, 1, 2, 3],
        metrics: [{ name: 'val_loss', values: [0.5, 0.1234568, 0.3, null], notFinite: 1 }],
        objectives: [{ name: 'loss' }],
      },
    })
    const data = /id="data">([^<]+)</.exec(reportOf(page, built))?.[1] ?? ''
    expect(JSON.parse(gunzipSync(Buffer.from(data, 'base64')).toString())).toEqual(page)
  })

  test('is empty for a store without checkpoints', async () => {
    await using store = new CheckpointStore(new MemoryBackend('mem:'))
    expect(await collectRun(store, { now: new Date(0) })).toMatchObject({
      checkpoints: [],
      metrics: { steps: [] },
    })
  })
})
