import { HoldfastError } from '../../errors.ts'
import { catalogFault, usesOfCatalog } from './catalog-fault.ts'
import { type Catalog, catalogSchema } from './catalog-schema.ts'
import { formatOf } from './format-version.ts'
import { catalogKey } from './layout.ts'
import { parseBody, unsealSupported } from './parse-document.ts'
import { requiring } from './requires.ts'
import { seal } from './sealed.ts'

/** The catalog before the first commit. Version 0 is never stored. */
export const emptyCatalog: Catalog & { readonly older?: undefined } = {
  format: formatOf('catalog'),
  requires: [],
  version: 0,
  commitId: '',
  committedAt: new Date(0).toISOString(),
  owner: null,
  floor: 0,
  checkpoints: [],
  quarantined: [],
  metrics: [],
  history: [],
}

/** Adds the required features to the document. */
export function encodeCatalog(catalog: Catalog): Uint8Array {
  return seal('catalog', { ...catalog, requires: requiring(catalog.requires, usesOfCatalog(catalog)) })
}

/**
 * A document that takes the number of a version while a catalog is rebuilt. Readers treat it as damaged, so no writer
 * can commit after a lost version.
 */
export function encodeFence(version: number, commitId: string, rebuildBegan: string): Uint8Array {
  return seal('catalog', { format: formatOf('catalog'), requires: [], version, commitId, rebuildBegan })
}

/** Throws `CORRUPT` if the document is damaged, has another version, or contradicts itself. */
export function decodeCatalog(bytes: Uint8Array, version: number): Catalog {
  const where = catalogKey(version)
  const body = unsealSupported('catalog', bytes, where)
  if (typeof body === 'object' && body !== null && 'rebuildBegan' in body) {
    throw new HoldfastError('CORRUPT', `${where} marks an unfinished rebuild of the catalog.`)
  }
  const catalog = parseBody('catalog', catalogSchema, body, where)
  const fault = catalogFault(catalog, version)
  if (fault !== undefined) throw new HoldfastError('CORRUPT', `${where} ${fault}.`)
  return catalog
}
