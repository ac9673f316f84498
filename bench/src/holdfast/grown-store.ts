import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const at = '2026-01-01T00:00:00.000Z'

/**
 * Writes the catalog of a run with this number of checkpoints, in the documented format. A real run of that length
 * would take hours. The checkpoints have empty files, so that a sweep can list them. No work reads the files.
 */
export async function writeGrownStore(folder: string, checkpoints: number): Promise<void> {
  const version = checkpoints + 1
  const commitId = randomUUID()
  const steps = Array.from({ length: checkpoints }, (_, index) => index + 1)
  const catalog = {
    format: 'holdfast-catalog/1.0',
    requires: [],
    version,
    commitId,
    committedAt: at,
    owner: null,
    floor: 0,
    checkpoints: steps.map((step) => ({
      step,
      epoch: step,
      attempt: attemptOf(step),
      manifest: { sha256: sha256(String(step)), size: 500 },
      fileCount: 1,
      bytes: 512_000_000,
      savedAt: at,
      order: orderOf(step),
      metrics: metricsOf(step),
      tags: [],
    })),
    quarantined: [],
    metrics: steps.map((step) => ({ step, metrics: metricsOf(step), order: orderOf(step) })),
    history: [{ version, commitId, at, did: `save ${checkpoints}`, dropped: [] }],
  }
  const body = JSON.stringify(catalog)
  await mkdir(join(folder, 'catalog'), { recursive: true })
  const path = join(folder, 'catalog', `${String(version).padStart(16, '0')}.json`)
  await writeFile(path, `{"sha256":"${sha256(body)}","catalog":${body}}\n`)
  for (const step of steps) {
    const attempt = join(folder, 'data', attemptOf(step))
    mkdirSync(attempt, { recursive: true })
    for (const file of ['model.bin', 'manifest.json']) writeFileSync(join(attempt, file), '')
  }
}

function attemptOf(step: number): string {
  return `${step}-${step}-${step.toString(16).padStart(16, '0')}`
}

function orderOf(step: number): { readonly segment: number; readonly base: number } {
  return { segment: 0, base: step }
}

function metricsOf(step: number): Readonly<Record<string, number>> {
  return { val_loss: 1 / step, val_pck: 1 - 1 / step }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
