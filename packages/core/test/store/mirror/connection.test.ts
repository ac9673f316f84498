import { expect, test, vi } from 'vitest'
import { MemoryBackend } from '../../../src/index.ts'
import { StoreEventEmitter } from '../../../src/store/context/events.ts'
import { MirrorConnection } from '../../../src/store/mirror/connection.ts'
import { partsOfStore } from '../../../src/store/store.ts'
import { storeOn } from '../../stores.ts'

test('a mirror whose writer is decided again and again listens to its events once', () => {
  const events = new StoreEventEmitter()
  const [on, off] = [vi.spyOn(events, 'on'), vi.spyOn(events, 'off')]
  const { context } = partsOfStore(storeOn(new MemoryBackend()))
  const mirror = new MirrorConnection(new MemoryBackend(), { store: 'mem:mirror' }, context, events)
  for (let round = 0; round < 20; round += 1) {
    mirror.writer('a')
    mirror.forgetWriter()
  }
  mirror.writer('a')
  mirror.writer('b')
  expect(on.mock.calls.length - off.mock.calls.length).toBe(1)
})
