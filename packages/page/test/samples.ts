import type { PageCheckpoint, RunPage } from '../src/run-page.ts'

const start = Date.UTC(2026, 0, 5, 8)
const minute = 60_000

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
    readAt: start + steps * minute + 5 * minute,
    checkpoints: checkpoints.map((each) =>
      each === best ? { ...each, bestOf: ['loss'], kept: ['best loss'] } : each,
    ),
    quarantined: [],
    metrics: {
      steps: all,
      metrics: [
        { name: 'val_loss', values: loss, notFinite: 0 },
        { name: 'val_pck', values: pck, notFinite: 0 },
      ],
      objectives: [{ name: 'loss', values: loss, notFinite: 0 }],
    },
    hasRetention: true,
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
    savedAt: start + step * minute,
    ...(index % 10 === 4 ? {} : { kept: [index % 10 === 0 ? 'keep every 1000' : 'last 100'] }),
    ...(index % 25 === 0 ? { tags: ['release'] } : {}),
  }
}

/** The same for each step, between -1 and 1. */
function noise(step: number): number {
  return Math.sin(step * 12.9898) * Math.cos(step * 4.1414)
}
