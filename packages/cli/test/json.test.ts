import { describe, expect, test } from 'vitest'
import { checkpointFolder, lastLine, onStore } from './on-store.ts'

describe('--json', () => {
  test('prints lines of JSON, the result last, and NaN as a string', async () => {
    const folder = await checkpointFolder()
    const saved = await onStore(
      folder,
      'save',
      'checkpoint.pth',
      '--step',
      '1',
      '--metric',
      'loss=NaN',
      '--json',
    )
    expect(lastLine(saved.stdout)).toMatchObject({
      type: 'result',
      command: 'save',
      step: 1,
      bytes: 100_000,
      metrics: { loss: 'NaN' },
    })
    const { stdout } = await onStore(folder, 'ls', '--json')
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.map(({ type }) => type)).toEqual(['checkpoint', 'result'])
    for (const command of [
      ['verify'],
      ['show'],
      ['sums'],
      ['doctor'],
      ['sweep'],
      ['repair'],
      ['pin', '1'],
      ['restore', '--to', 'out'],
    ]) {
      const outcome = await onStore(folder, ...command, '--json')
      expect(lastLine(outcome.stdout)).toMatchObject({ type: 'result', command: command[0] })
    }
  })
})
