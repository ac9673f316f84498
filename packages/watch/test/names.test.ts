import { expect, test } from 'vitest'
import { parseMetricsCsv } from '../src/formats/csv.ts'
import { factsOfName } from '../src/names/name-facts.ts'

const names: readonly [string, object][] = [
  ['checkpoint_0042', { step: 42, epoch: undefined, metrics: {} }],
  ['checkpoint_e12', { step: undefined, epoch: 12, metrics: {} }],
  ['epoch=3-val_loss=0.21', { step: undefined, epoch: 3, metrics: { val_loss: 0.21 } }],
  ['epoch=3-step=1000', { step: 1000, epoch: 3, metrics: {} }],
  ['epoch=3-val_loss=0.21-v1', { step: undefined, epoch: 3, metrics: { val_loss: 0.21 } }],
  ['epoch=1-val_loss=nan-acc=-1.5e-3', { epoch: 1, metrics: { val_loss: Number.NaN, acc: -0.0015 } }],
  ['model_epoch=4', { epoch: 4, metrics: {} }],
  ['step_500', { step: 500, epoch: undefined }],
  ['global_step1200', { step: 1200, epoch: undefined }],
  ['iter-20', { step: 20 }],
  ['model-epoch-7_loss0.3', { step: undefined, epoch: 7 }],
  ['ckpt10', { step: 10 }],
  ['05-0.21', { step: 5 }],
  ['model.01-136.27', { step: 1 }],
  ['42', { step: 42 }],
  ['resnet50', { step: undefined, epoch: undefined }],
  ['resnet50_10', { step: 10 }],
  ['lr=1e-05', { step: undefined, epoch: undefined, metrics: { lr: 1e-5 } }],
  ['best', { step: undefined, epoch: undefined, metrics: {} }],
  ['last', { step: undefined, epoch: undefined, metrics: {} }],
  ['model-v2', { step: undefined, epoch: undefined }],
]

test.each(names)('reads the name %s', (name, facts) => {
  expect(factsOfName(name)).toMatchObject(facts)
})

test('reads lines with steps and epochs, and ignores empty cells', () => {
  const text = 'epoch,step,train_loss,val_loss\r\n0,10,0.5,\r\n0,10.0,,0.25\r\n1,,nan,\r\n'
  expect(parseMetricsCsv(text, 'metrics.csv')).toEqual([
    { step: 10, epoch: 0, name: undefined, metrics: { train_loss: 0.5 } },
    { step: 10, epoch: 0, name: undefined, metrics: { val_loss: 0.25 } },
    { step: undefined, epoch: 1, name: undefined, metrics: { train_loss: Number.NaN } },
  ])
})

test('reads cells in quotes, and names of checkpoints', () => {
  const text = '\uFEFFname,"val, ""loss"""\n"a,b.pth",0.5\n\nc.pth,text\n'
  const none = { step: undefined, epoch: undefined }
  expect(parseMetricsCsv(text, 'metrics.csv')).toEqual([
    { ...none, name: 'a,b.pth', metrics: { 'val, "loss"': 0.5 } },
    { ...none, name: 'c.pth', metrics: {} },
  ])
})

test('refuses a CSV that does not say which checkpoint a line is about', () => {
  expect(() => parseMetricsCsv('loss\n0.5\n', 'metrics.csv')).toThrow('no column "step" or "name"')
})
