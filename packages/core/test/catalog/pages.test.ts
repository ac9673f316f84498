import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CheckpointStore, MemoryBackend, type Environment } from '../../src/index.ts'
import {
  type Catalog,
  type CatalogEntry,
  decodeCatalog,
  decodePage,
  emptyCatalog,
  encodeCatalog,
  encodePage,
  newAttemptId,
  newPageId,
  pageKey,
  type PageReference,
} from '../../src/catalog/documents/index.ts'
import {
  allRead,
  documentOf,
  fold,
  idsOf,
  isWhole,
  noCatalog,
  paged,
  type PagedCatalog,
  PageReader,
  type WholeCatalog,
} from '../../src/catalog/pages/index.ts'
import { sha256Hex } from '../../src/integrity/index.ts'
import { codeOf, foldingEarly, keysOf } from '../stores.ts'
import { asCommitted, committedAs } from './as-committed.ts'

const pageLimits: Environment['pageLimits'] = {
  checkpoints: { inline: 5, page: 4 },
  metrics: { inline: 4, page: 3 },
  references: { inline: 3, page: 2 },
}

const order = { segment: 0, base: 1 }

function entry(step: number, tags: readonly string[] = []): CatalogEntry {
  return {
    step,
    attempt: newAttemptId(step, 1, step.toString(16).padStart(16, '0')),
    manifest: { sha256: 'a'.repeat(64), size: 500 },
    fileCount: 3,
    bytes: 512_000_000,
    savedAt: '2026-01-01T00:00:00.000Z',
    order,
    metrics: { loss: step },
    tags: [...tags],
  }
}

/** The changes of the lists from one version to the next. */
type Edit =
  | { readonly kind: 'add'; readonly by: number }
  | { readonly kind: 'insert' | 'change'; readonly at: number }
  | { readonly kind: 'drop'; readonly every: number }
  | { readonly kind: 'raise floor' }

const anyEdit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('add' as const), by: fc.integer({ min: 1, max: 9 }) }),
  },
  fc.record({ kind: fc.constantFrom('insert' as const, 'change' as const), at: fc.nat(200) }),
  fc.record({ kind: fc.constant('drop' as const), every: fc.integer({ min: 1, max: 5 }) }),
  fc.constant({ kind: 'raise floor' as const }),
)

/** Some edits need only the lines in the version itself, as a save of a later step does. */
function edited<C extends PagedCatalog>(catalog: C, edit: Edit): C {
  const { checkpoints, metrics } = catalog
  const last = Math.max(
    checkpoints.lastPaged,
    metrics.lastPaged,
    ...[...checkpoints.recent, ...metrics.recent].map(({ step }) => step),
    0,
  )
  const next = { ...catalog, ...committedAs(catalog.version + 1) }
  switch (edit.kind) {
    case 'add': {
      const step = last + edit.by
      return {
        ...next,
        checkpoints: checkpoints.with(step, entry(step)),
        metrics: metrics.with(step, { step, metrics: {}, order }),
      }
    }
    case 'insert':
      if (checkpoints.get(edit.at) !== undefined) return next
      return { ...next, checkpoints: checkpoints.with(edit.at, entry(edit.at)) }
    case 'change': {
      const step = allRead(checkpoints).all[edit.at % checkpoints.length]?.step
      if (step === undefined) return next
      return { ...next, checkpoints: checkpoints.with(step, entry(step, [next.commitId])) }
    }
    case 'drop': {
      const dropped = new Set(allRead(checkpoints).all.filter((_, index) => index % edit.every === 0))
      return { ...next, checkpoints: allRead(checkpoints).filter((each) => !dropped.has(each)) }
    }
    case 'raise floor':
      return { ...next, floor: next.version }
  }
}

function needsWhole({ kind }: Edit): boolean {
  return kind !== 'add' && kind !== 'raise floor'
}

function linesOf({ checkpoints, metrics }: WholeCatalog): Partial<Catalog> {
  return { checkpoints: [...checkpoints.all], metrics: [...metrics.all] }
}

function neededBy({ checkpoints, metrics }: WholeCatalog): readonly string[] {
  return [...idsOf(checkpoints.pages), ...idsOf(metrics.pages)]
}

/** The written versions of a catalog, with the lists that they should have. */
class Written {
  readonly backend = new MemoryBackend()
  readonly reader = new PageReader(this.backend)
  document: Catalog = emptyCatalog
  expected: WholeCatalog = noCatalog
  /** The pages of the last edit, and the pages that each version needs. */
  written: readonly string[] = []
  readonly needed = new Map<number, readonly string[]>()
  #pages = 0

  async apply(edit: Edit): Promise<void> {
    const whole = needsWhole(edit) || this.#pages % 2 === 0
    const unread = paged(this.document)
    const base = whole ? await this.reader.whole(unread, undefined) : unread
    const folded = fold(edited(base, edit), pageLimits, () => {
      this.#pages += 1
      return newPageId(this.document.version + 1, this.#pages.toString(16).padStart(16, '0'))
    })
    for (const { page, bytes } of folded.newPages) await this.backend.put(pageKey(page), bytes)
    this.written = folded.newPages.map(({ page }) => page)
    this.document = decodeCatalog(encodeCatalog(documentOf(folded.catalog)), folded.catalog.version)
    this.expected = edited(this.expected, edit)
    if (isWhole(folded.catalog)) this.reader.keep(folded.catalog)
    this.needed.set(this.document.version, neededBy(await this.read()))
  }

  /** Reads with a new reader, which keeps no pages. */
  async read(): Promise<WholeCatalog> {
    return new PageReader(this.backend).whole(paged(this.document), undefined)
  }
}

async function afterEach(edits: readonly Edit[], look: (written: Written) => Promise<void>): Promise<void> {
  const written = new Written()
  for (const edit of edits) {
    await written.apply(edit)
    await look(written)
  }
}

const anyEdits = fc.array(anyEdit, { maxLength: 60 })

describe('a catalog in pages', () => {
  test('has the same lines as without pages', async () => {
    await fc.assert(
      fc.asyncProperty(anyEdits, (edits) =>
        afterEach(edits, async (written) => {
          expect(linesOf(await written.read())).toEqual(linesOf(written.expected))
        }),
      ),
    )
  })

  test('keeps the limits of lines in the document and in each page', async () => {
    await fc.assert(
      fc.asyncProperty(anyEdits, (edits) =>
        afterEach(edits, async ({ backend, document }) => {
          expect(document.checkpoints.length).toBeLessThanOrEqual(pageLimits.checkpoints.inline)
          expect(document.metrics.length).toBeLessThanOrEqual(pageLimits.metrics.inline)
          for (const references of [document.older?.checkpoints ?? [], document.older?.metrics ?? []]) {
            const depths = references.map(({ depth }) => depth)
            for (const depth of new Set(depths)) {
              expect(depths.filter((each) => each === depth).length).toBeLessThanOrEqual(
                pageLimits.references.inline,
              )
            }
            for (const reference of references) await expectSmall(backend, reference)
          }
        }),
      ),
    )
  })

  test('keeps every page that it or a version from its floor on needs', async () => {
    await fc.assert(
      fc.asyncProperty(anyEdits, (edits) =>
        afterEach(edits, async ({ document, needed, written }) => {
          const retired = (document.older?.retired ?? []).map(({ page }) => page)
          const now = needed.get(document.version) ?? []
          for (const [version, pages] of needed) {
            if (version < document.floor) continue
            for (const page of pages) expect([...now, ...retired], `of version ${version}`).toContain(page)
          }
          for (const page of written) expect(now).toContain(page)
          for (const page of retired) expect(now).not.toContain(page)
        }),
      ),
    )
  })

  test('writes a few pages for a change, however many there are', async () => {
    const written = new Written()
    for (let step = 0; step < 200; step += 1) await written.apply({ kind: 'add', by: 1 })
    const depth = Math.max(...(written.document.older?.checkpoints ?? []).map((each) => each.depth))
    expect(depth).toBeGreaterThan(3)
    for (let at = 0; at < 200; at += 7) {
      await written.apply({ kind: 'change', at })
      expect(written.written.length).toBeLessThanOrEqual(depth + 1)
    }
  })

  test('reads only the pages that have changed', async () => {
    const written = new Written()
    for (let step = 0; step < 100; step += 1) await written.apply({ kind: 'add', by: 1 })
    await written.reader.whole(paged(written.document), undefined)
    for (const page of written.needed.get(written.document.version) ?? []) {
      await written.backend.delete([pageKey(page as PageReference['page'])])
    }
    expect(linesOf(await written.reader.whole(paged(written.document), undefined))).toEqual(
      linesOf(written.expected),
    )
    expect(await codeOf(written.read())).toBe('NOT_FOUND')
  })
})

test('throws for lines in pages that were not read', async () => {
  const written = new Written()
  for (let step = 0; step < 20; step += 1) await written.apply({ kind: 'add', by: 1 })
  const { checkpoints } = paged(written.document)
  expect(checkpoints.length).toBe(20)
  expect(checkpoints.get(20)?.step).toBe(20)
  expect(checkpoints.findLast(() => true)?.step).toBe(20)
  expect(checkpoints.get(21)).toBeUndefined()
  const asked: readonly (() => unknown)[] = [
    () => allRead(checkpoints),
    () => checkpoints.get(1),
    () => checkpoints.last(20),
    () => checkpoints.findLast(({ step }) => step === 1),
    () => checkpoints.with(1, undefined),
  ]
  for (const ask of asked) expect(ask).toThrow(/was not read/)
})

async function expectSmall(backend: MemoryBackend, reference: PageReference): Promise<void> {
  const { body } = await backend.read(pageKey(reference.page))
  const page = decodePage(Buffer.concat(await Array.fromAsync(body)), reference)
  const most = {
    checkpoints: pageLimits.checkpoints,
    metrics: pageLimits.metrics,
    pages: pageLimits.references,
  }
  expect(page.content.length).toBeLessThanOrEqual(most[page.holds].page)
  expect(page.content.length).toBeGreaterThan(0)
  if (page.holds === 'pages') for (const each of page.content) await expectSmall(backend, each)
}

describe('a page that differs from its reference', () => {
  const page = newPageId(7, '0'.repeat(16))
  const bytes = encodePage(page, { holds: 'checkpoints', content: [entry(3), entry(5)] })
  const reference = { page, sha256: sha256Hex(bytes), depth: 0, from: 3, to: 5, count: 2 }

  test('is accepted as it was written', () => {
    expect(decodePage(bytes, reference)).toMatchObject({
      holds: 'checkpoints',
      content: [{ step: 3 }, { step: 5 }],
    })
  })

  test.each([
    ['another name', { page: newPageId(8, '0'.repeat(16)) }],
    ['another digest', { sha256: 'b'.repeat(64) }],
    ['another depth', { depth: 1 }],
    ['another first step', { from: 2 }],
    ['another last step', { to: 6 }],
    ['another count', { count: 3 }],
  ])('by %s is refused', async (_, other) => {
    const decode = async (): Promise<unknown> =>
      Promise.resolve().then(() => decodePage(bytes, { ...reference, ...other }))
    expect(await codeOf(decode())).toBe('CORRUPT')
  })

  test('is rejected if its lines are out of order, or a reference has the wrong depth', async () => {
    const inner = { ...reference, depth: 3 }
    for (const content of [
      { holds: 'checkpoints' as const, content: [entry(5), entry(3)] },
      { holds: 'pages' as const, content: [inner] },
      { holds: 'pages' as const, content: [] },
    ]) {
      const wrong = encodePage(page, content)
      const depth = content.holds === 'pages' ? 1 : 0
      const decode = async (): Promise<unknown> =>
        Promise.resolve().then(() => decodePage(wrong, { ...reference, depth, sha256: sha256Hex(wrong) }))
      expect(await codeOf(decode()), JSON.stringify(content)).toBe('CORRUPT')
    }
  })
})

test('rejects a version that refers to a page before a deeper one', async () => {
  const reference = (from: number, depth: number): PageReference => ({
    page: newPageId(1, from.toString(16).padStart(16, '0')),
    sha256: 'c'.repeat(64),
    depth,
    from,
    to: from + 1,
    count: 2,
  })
  const decode = async (depths: readonly number[]): Promise<unknown> => {
    const checkpoints = depths.map((depth, index) => reference(index * 2, depth))
    const older = { checkpoints, metrics: [], retired: [] }
    const catalog = { ...asCommitted(emptyCatalog, 9), older }
    return Promise.resolve().then(() => decodeCatalog(encodeCatalog(catalog), 9))
  }
  expect(await codeOf(decode([2, 1, 1, 0]))).toBe('no error')
  expect(await codeOf(decode([0, 1]))).toBe('CORRUPT')
})

test('retires no more pages for many processes that save once than for one process', async () => {
  const backend = new MemoryBackend()
  const options = { mode: 'shared', gracePeriod: 0, retention: { keepLast: 3 } } as const
  for (let step = 0; step < 300; step += 1) {
    await using store = new CheckpointStore(backend, options, foldingEarly)
    await store.save({ step, files: { a: Buffer.from('a') } })
  }
  expect((await keysOf(backend, 'pages/')).length).toBeLessThan(300)
  expect((await keysOf(backend, 'catalog/')).length).toBeLessThan(150)
})
