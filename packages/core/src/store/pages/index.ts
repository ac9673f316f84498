export { defaultFoldings, fold, type Folded, type Foldings, type NewPage } from './fold.ts'
export { idsOf } from './folder.ts'
export { isWhole, lastFoldedStep, pagesOf, unfold, type WholeCatalog, withoutPages } from './page.ts'
export { type LostPage, PageReader, pagesAtOnce } from './page-reader.ts'
