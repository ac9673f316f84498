import type { PageCheckpoint, RunPage } from '../src/run-page.ts'
import type { PageRun, RunsPage } from '../src/runs-page.ts'
import type { RunSource } from '../src/source.ts'

const start = Date.UTC(2026, 0, 5, 8)
const minute = 60_000
const day = 1440 * minute

/** A run whose loss falls, with a checkpoint at each hundredth step. */
export function samplePage(steps: number, change: Partial<RunPage> = {}): RunPage {
  const all = Array.from({ length: steps }, (_, step) => step)
  const loss = all.map((step) => 0.2 + Math.exp((-4 * step) / steps) + 0.05 * noise(step))
  const pck = all.map((step) => (step % 10 === 0 ? 0.9 - 0.5 * Math.exp((-3 * step) / steps) : null))
  const every = Math.max(1, Math.floor(steps / 100))
  const checkpoints = all.filter((step) => step % every === 0).map((step, index) => checkpointOf(step, index))
  const best = checkpoints.at(-3)
  return {
    name: 'pose-42',
    url: 's3://bucket/runs/pose-42',
    readAt: start + steps * minute + 65 * minute,
    checkpoints: checkpoints.map((each) =>
      each === best ? { ...each, bestOf: ['loss'], kept: ['best loss'] } : each,
    ),
    quarantined: [],
    abandoned: [],
    nextDrops: checkpoints
      .filter((_, index) => index % 10 === 4)
      .map(({ step, bytes }) => ({ step, bytes, because: 'not among the last 100' })),
    commits: checkpoints
      .slice(-5)
      .map(({ step, savedAt }) => ({ at: savedAt, did: `save ${step}`, dropped: [] })),
    unfinished: [],
    metrics: {
      steps: all,
      metrics: [
        { name: 'val_loss', values: loss, notFinite: 0 },
        { name: 'val_pck', values: pck, notFinite: 0 },
      ],
      objectives: [{ name: 'loss', values: loss, notFinite: 0 }],
      abandoned: [],
    },
    hasRetention: true,
    reasons: [
      { reason: 'last 100', checkpoints: 79, bytes: 40.4e9, bytesAlone: 40.4e9 },
      { reason: 'every 1000 steps', checkpoints: 10, bytes: 5.1e9, bytesAlone: 4.6e9 },
      { reason: 'best loss', checkpoints: 1, bytes: 0.5e9, bytesAlone: 0 },
    ],
    bytesPerDay: 5.1e9,
    free: { available: 88e9, total: 500e9 },
    ...change,
  }
}

/** Text that does harm where it is taken for HTML, a script or a style, or mirrors the text around it. */
export const hostileTexts = [
  '<script>globalThis.harmed = true</script>',
  '</script><img src=x onerror="globalThis.harmed = true">',
  '"><svg onload=globalThis.harmed=true>',
  "'; globalThis.harmed = true; '",
  '\u202egnirts desrever',
  'שלום ‏עולם',
  '__proto__',
  'constructor',
  'x'.repeat(100_000),
]

function checkpointOf(step: number, index: number): PageCheckpoint {
  return {
    step,
    epoch: index,
    files: 2,
    bytes: 512e6,
    savedAt: start + step * minute + (index > 60 ? 60 * minute : 0),
    saving: 1500 + 700 * Math.abs(noise(step)),
    ...(index === 61
      ? { restore: { step: step - 1, at: start + (step + 58) * minute, duration: 4200 } }
      : {}),
    ...(index % 10 === 4 ? {} : { kept: [index % 10 === 0 ? 'keep every 1000' : 'last 100'] }),
    ...(index % 25 === 0 ? { tags: ['release'] } : {}),
  }
}

/** The same for each step, between -1 and 1. */
function noise(step: number): number {
  return Math.sin(step * 12.9898) * Math.cos(step * 4.1414)
}

/** A run with everything that needs attention, a mirror that lags, and steps that a rewind left behind. */
export function troubledPage(): RunPage {
  const page = samplePage(500)
  return {
    ...page,
    quarantined: [
      { step: 480, reason: 'model.pth differs from what was saved', at: page.readAt - 3 * minute },
    ],
    abandoned: page.checkpoints.slice(-2).map((each) => ({ ...each, step: each.step + 1 })),
    metrics: { ...page.metrics, abandoned: [420, 430, 440] },
    unfinished: [{ step: 500, size: 8, missing: [2, 5], since: page.readAt - 4 * minute }],
    mirror: {
      url: 's3://bucket/mirror/pose-42',
      newest: { step: 470, savedAt: page.readAt - 30 * minute, copiedAt: page.readAt - 20 * minute },
      waiting: 5,
      waitingBytes: 2.5e9,
    },
  }
}

/** Runs, some of which need attention. */
export function sampleRuns(count: number): RunsPage {
  const readAt = start + 60 * day
  const runs = Array.from({ length: count }, (_, index): PageRun => {
    if (index % 19 === 7)
      return { name: `pose-${index}`, state: 'damaged', problem: 'The catalog is damaged.' }
    const values = Array.from(
      { length: 40 },
      (_, at) => Math.exp(-at / (10 + index)) + 0.03 * noise(at + index),
    )
    return {
      name: `pose-${index}`,
      state: 'readable',
      latest: { step: 100 * index, savedAt: readAt - (index % 11) * day },
      checkpoints: index % 23 === 3 ? 48 : 5,
      quarantined: index % 29 === 4 ? 1 : 0,
      bytes: 1e9 * (1 + (index % 7)),
      isComplete: index % 23 !== 3,
      isNeverPruned: index % 23 === 3,
      best: [{ name: 'loss', step: 90 * index, value: Math.min(...values) }],
      curves: [
        { name: 'val_loss', values },
        { name: 'val_pck', values: values.map((value) => 1 - value) },
      ],
    }
  })
  return { prefix: 's3://bucket/runs', readAt, price: 0.023, runs }
}

/** A source that shows the same page each time. */
export function fixedSource(read: () => Promise<RunPage> = async () => samplePage(3)): RunSource {
  const none = async (): Promise<never> => {
    throw new Error('There is no checkpoint.')
  }
  return { read, checkpoint: none, tensors: none, difference: none }
}

/** A checkpoint of a small network, and its difference from another one. */
export function sampleCheckpoint(): Pick<RunSource, 'checkpoint' | 'tensors' | 'difference'> {
  const layers = ['encoder.0', 'encoder.1', 'decoder.0', 'decoder.1']
  const tensors = layers.flatMap((layer, index) => [
    { name: `${layer}.weight`, type: 'F32', shape: `[${256 >> index}, ${512 >> index}]` },
    { name: `${layer}.bias`, type: 'F32', shape: `[${256 >> index}]` },
  ])
  const digest = (letter: string): string => letter.repeat(16).slice(0, 64)
  return {
    checkpoint: async (step) => ({
      step,
      epoch: 9,
      savedAt: start + step * minute,
      bytes: 512e6,
      saving: 1740,
      kept: ['last 5', 'best loss'],
      tags: ['release'],
      files: {
        shown: [
          { name: 'model.safetensors', size: 340e6, sha256: digest('9f2c') },
          { name: 'optimizer.bin', size: 172e6, sha256: digest('41c0') },
        ],
        more: 0,
      },
      metrics: {
        shown: [
          { name: 'val_loss', value: '0.1896' },
          { name: 'val_pck', value: '0.8742' },
        ],
        more: 0,
      },
      metadata: { text: '{"learningRate":0.0003,"commit":"41c09b"}', more: 0 },
      dataState: { text: '{"epoch":9,"position":12800}', more: 0 },
    }),
    tensors: async () => ({
      files: [{ file: 'model.safetensors', format: 'safetensors', tensors: { shown: tensors, more: 0 } }],
    }),
    difference: async (before, after) => ({
      before,
      after,
      groups: [
        {
          title: 'Metrics',
          items: {
            shown: [
              { change: 'changed', name: 'val_loss', before: '0.2113', after: '0.1896' },
              { change: 'changed', name: 'val_pck', before: '0.8610', after: '0.8742' },
            ],
            more: 0,
          },
        },
        {
          title: 'Metadata',
          items: {
            shown: [{ change: 'changed', name: 'learningRate', before: '0.001', after: '0.0003' }],
            more: 0,
          },
        },
      ],
      sameFiles: 1,
      hasSameDataState: false,
    }),
  }
}
