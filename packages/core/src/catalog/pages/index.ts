export { fold, type Folded, type NewPage } from './fold.ts'
export { idsOf } from './page.ts'
export {
  abandonedAt,
  attemptsOf,
  documentOf,
  isWhole,
  lastPagedStep,
  latestAfter,
  noCatalog,
  paged,
  type PagedCatalog,
  type WholeCatalog,
  wholeCatalog,
  withoutPages,
} from './paged-catalog.ts'
export { allRead, type LineList, PagedList } from './paged-list.ts'
export { type LostPage, PageReader, pagesAtOnce } from './page-reader.ts'
