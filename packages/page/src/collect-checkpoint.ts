import { type CheckpointDetails, formatSize, stringifyJson, type TensorsOfFile } from '@holdfast/core'
import type {
  ChangedItem,
  CheckpointPage,
  Cut,
  CutText,
  DifferencePage,
  TensorsPage,
} from './checkpoint-page.ts'
import { differenceOf, tensorDifferences } from './difference/checkpoints.ts'
import { changesOnly, type Difference } from './difference/difference.ts'

/** Items of a list that a page shows. */
const mostItems = 1000

/** Characters of a text that a page shows. */
const mostCharacters = 20_000

/** Characters of a value in a comparison. */
const mostOfValue = 200

/** Returns what the page shows of a checkpoint. */
export function checkpointPageOf(details: CheckpointDetails): CheckpointPage {
  const { step, epoch, savedAt, bytes, timing, keptBecause, tags, pinned, files, metrics } = details
  return {
    step,
    ...(epoch === undefined ? {} : { epoch }),
    savedAt: savedAt.getTime(),
    bytes,
    ...(timing === undefined ? {} : { saving: timing.saving }),
    kept: keptBecause,
    tags,
    ...(pinned === undefined
      ? {}
      : {
          pinned: {
            at: pinned.at.getTime(),
            ...(pinned.reason === undefined ? {} : { reason: pinned.reason }),
          },
        }),
    files: cut(files.map(({ name, size, sha256 }) => ({ name, size, sha256 }))),
    metrics: cut(Object.entries(metrics).map(([name, value]) => ({ name, value: String(value) }))),
    ...textOf('metadata', details.metadata),
    ...textOf('dataState', details.dataState),
  }
}

/** Returns what the page shows of the tensors of a checkpoint. Files without tensors are left out. */
export function tensorsPageOf(files: readonly TensorsOfFile[]): TensorsPage {
  return {
    files: files.flatMap((each): TensorsPage['files'] => {
      const { file, format } = each
      if (format === 'unknown') return []
      if (format === 'malformed') return [{ file, format, problem: each.why, tensors: cut([]) }]
      const tensors = each.tensors.map(({ name, type, shape }) => ({ name, type, shape: shapeText(shape) }))
      return [{ file, format, tensors: cut(tensors) }]
    }),
  }
}

/** Returns what the page shows of the difference of two checkpoints. */
export function differencePageOf(
  [before, after]: readonly [CheckpointDetails, CheckpointDetails],
  [tensorsBefore, tensorsAfter]: readonly [readonly TensorsOfFile[], readonly TensorsOfFile[]],
): DifferencePage {
  const { files, metrics, tags, metadata, hasSameDataState } = differenceOf(before, after)
  const changed = changesOnly(files)
  const groups = [
    {
      title: 'Files',
      items: itemsOf(changed, ({ size, sha256 }) => `${formatSize(size)} · ${sha256.slice(0, 8)}`),
    },
    { title: 'Metrics', items: itemsOf(metrics, String) },
    { title: 'Tags', items: itemsOf(tags, () => '') },
    { title: 'Metadata', items: itemsOf(metadata, (value) => stringifyJson(value)) },
    {
      title: 'Tensors',
      items: itemsOf(
        changesOnly(tensorDifferences(tensorsBefore, tensorsAfter)),
        ({ type, shape }) => `${type} ${shapeText(shape)}`,
      ),
    },
  ]
  return {
    before: before.step,
    after: after.step,
    groups: groups.filter(({ items }) => items.shown.length > 0),
    sameFiles: files.length - changed.length,
    hasSameDataState,
  }
}

function itemsOf<Value>(
  all: readonly Difference<Value>[],
  textOfValue: (value: Value) => string,
): Cut<ChangedItem> {
  const { shown, more } = cut(all)
  const shortText = (value: Value): string => cutText(textOfValue(value), mostOfValue).text
  return {
    more,
    shown: shown.flatMap(({ name, change, before, after }): readonly ChangedItem[] => {
      if (change === 'unchanged') return []
      return [
        {
          change,
          name: cutText(name, mostOfValue).text,
          ...(before === undefined ? {} : { before: shortText(before) }),
          ...(after === undefined ? {} : { after: shortText(after) }),
        },
      ]
    }),
  }
}

function textOf(
  name: 'metadata' | 'dataState',
  value: unknown,
): Partial<Readonly<Record<'metadata' | 'dataState', CutText>>> {
  return value === undefined ? {} : { [name]: cutText(stringifyJson(value), mostCharacters) }
}

function cut<Item>(all: readonly Item[]): Cut<Item> {
  return { shown: all.slice(0, mostItems), more: Math.max(0, all.length - mostItems) }
}

function cutText(text: string, length: number): CutText {
  return { text: text.slice(0, length), more: Math.max(0, text.length - length) }
}

function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`
}
