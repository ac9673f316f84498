import { expect, test } from 'vitest'
import { nearestName } from '../../src/input/nearest-name.ts'

test.each([
  ['val_loss', ['acc', 'eval_loss', 'train_loss'], 'eval_loss'],
  ['loss', ['val_loss', 'acc'], 'val_loss'],
  ['Loss', ['loss', 'lass'], 'loss'],
  ['acc', ['accuracy', 'loss'], 'accuracy'],
  ['pck', ['loss', 'f1'], undefined],
  ['loss', [], undefined],
  ['', ['loss'], undefined],
  ['genauigkeit 😀', ['genauigkeit 😁'], 'genauigkeit 😁'],
])('the name nearest to %j among %j is %j', (name, known, nearest) => {
  expect(nearestName(name, known)).toBe(nearest)
})
