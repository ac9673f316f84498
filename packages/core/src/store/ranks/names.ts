import {
  agreementName,
  type AgreementName,
  agreementKey,
  type AttemptId,
  termOfKey,
  termPrefix,
} from '../../catalog/documents/index.ts'

/** The beginning of the names of all agreements of terms. */
export const termsPrefix = 'terms/'

/** Tickets are padded with zeros, so that the order of keys is the order of starts. */
const ticketDigits = 10

/** The beginning of the names of the starts of one rank. */
export function startsPrefix(rank: number): string {
  return `starts/${rank}/`
}

export function startName(rank: number, ticket: number): AgreementName {
  return agreementName(`${startsPrefix(rank)}${String(ticket).padStart(ticketDigits, '0')}`)
}

/** The ticket that the name of a start has; 0 for another name. */
export function ticketOf(name: AgreementName): number {
  return Number(/^starts\/\d+\/(\d{10})$/.exec(name)?.[1] ?? 0)
}

/** The term that the name of an agreement has; 0 for another name. */
export function termOfName(name: AgreementName): number {
  return termOfKey(agreementKey(name)) ?? 0
}

export function openName(term: number): AgreementName {
  return agreementName(`${termPrefix(term)}open`)
}

/** Groups of agreements of which each rank has one. The number of the rank follows. */
export function membersPrefix(term: number): string {
  return `${termPrefix(term)}members/`
}

export function herePrefix(term: number): string {
  return `${termPrefix(term)}here/`
}

export function verdictsPrefix(term: number, round: number): string {
  return `${termPrefix(term)}judged/${round}/`
}

/** The parts of an attempt come last in a term, so that a list of them that goes on shows whether there are newer terms. */
export function partsPrefix(term: number, attempt: AttemptId): string {
  return `${termPrefix(term)}parts/${attempt}/`
}

export function ofRank(prefix: string, rank: number): AgreementName {
  return agreementName(`${prefix}${rank}`)
}

/** The ranks of which a group has an agreement, among some names. */
export function ranksIn(names: readonly AgreementName[], prefix: string): readonly number[] {
  return names.flatMap((name) => {
    const rest = name.startsWith(prefix) ? name.slice(prefix.length) : ''
    return /^\d+$/.test(rest) ? [Number(rest)] : []
  })
}

export function choiceName(term: number, round: number): AgreementName {
  return agreementName(`${termPrefix(term)}choice/${round}`)
}

export function rewindName(term: number): AgreementName {
  return agreementName(`${termPrefix(term)}rewind`)
}

/** The beginning of the names of all tries of one step. */
export function attemptsPrefix(term: number, step: number): string {
  return `${termPrefix(term)}attempts/${step}/`
}

export function attemptName(term: number, step: number, tries: number): AgreementName {
  return agreementName(`${attemptsPrefix(term, step)}${tries}`)
}
