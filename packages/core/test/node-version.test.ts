import { expect, test } from 'vitest'

test('the tests run on a Node.js that everything else relies on', () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const recentEnough = major > 22 || (major === 22 && minor >= 18)
  expect(recentEnough, `Node.js 22.18 or newer is needed, this is ${process.version}`).toBe(true)
})
