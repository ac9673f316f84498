/** The facts in a name of a checkpoint. */
export interface NameFacts {
  readonly step?: number | undefined
  readonly epoch?: number | undefined
  readonly metrics: Readonly<Record<string, number>>
}

/** A number in the form that trainers use in names. */
export const numberPattern = String.raw`[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?|nan|[-+]?inf`

const pair = new RegExp(String.raw`(?:^|[-_. ])?([A-Za-z][\w/.]*)=(${numberPattern})(?![\dA-Za-z])`, 'g')
const stepWord = /(?:^|[^A-Za-z\d])(?:global[-_]?step|steps?|iterations?|iters?|it)[-_=. ]?(\d+)(?![\d.]*\d)/i
const epochWord = /(?:^|[^A-Za-z\d])(?:epochs?|ep|e)[-_=. ]?(\d+)(?![\d.]*\d)/i
const countWord = /(?:^|[^A-Za-z])(?:checkpoint|chkpt|ckpt|cp|snapshot|model|weights|save)(\d+)(?=$|[-_. ])/i
/** The names of counters, such as `model_epoch`. Counters are not metrics. */
const counter = /(^|[^A-Za-z])(global_?step|steps?|iterations?|iters?|epochs?)$/i
/** Separate integers that are not part of a fraction. */
const loneNumber = /(?:^|[-_ .])(?<!\d\.)(\d+)(?=$|[-_ ]|\.(?!\d))/g

/**
 * Returns the facts in a name without its extension, such as `epoch=3-val_loss=0.21`, `step_500` or `checkpoint_0042`.
 * The step is the number after a word for steps. Otherwise, without an epoch, it is the last separate integer.
 */
export function factsOfName(stem: string): NameFacts {
  const metrics = pairsOf(stem).filter(([name]) => !counter.test(name))
  const epoch = matched(stem, epochWord)
  const step =
    matched(stem, stepWord) ?? (epoch === undefined ? numberIn(stem.replaceAll(pair, '')) : undefined)
  return { step, epoch, metrics: Object.fromEntries(metrics) }
}

/** Returns every `name=number` in a text. */
function pairsOf(text: string): readonly [string, number][] {
  return [...text.matchAll(pair)].map(([, name = '', value = '']) => [name, parseNumber(value)])
}

export function parseNumber(text: string): number {
  const lower = text.toLowerCase()
  if (lower === 'nan') return Number.NaN
  if (/^[-+]?inf(inity)?$/.test(lower)) return lower.startsWith('-') ? -Infinity : Infinity
  return Number(text)
}

/** Returns `undefined` unless the text is an integer that can be a count. */
export function countOf(value: number | undefined): number | undefined {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

function matched(stem: string, pattern: RegExp): number | undefined {
  const digits = pattern.exec(stem)?.[1]
  return digits === undefined ? undefined : countOf(Number(digits))
}

function numberIn(stem: string): number | undefined {
  const counted = matched(stem, countWord)
  if (counted !== undefined) return counted
  const last = [...stem.matchAll(loneNumber)].at(-1)?.[1]
  return last === undefined ? undefined : countOf(Number(last))
}
