import * as v from 'valibot'
import { type AgreementName, type Agreement, agreementKey } from '../../catalog/documents/index.ts'
import { attemptSchema } from '../../catalog/documents/layout.ts'
import { manifestFileSchema } from '../../catalog/documents/manifest.ts'
import type { Named } from '../../catalog/documents/named.ts'
import {
  countSchema,
  epochSchema,
  metricsSchema,
  orderSchema,
  timeSchema,
} from '../../catalog/documents/values.ts'
import { HoldfastError } from '../../errors.ts'
import { agree, readAgreement } from '../agreements/agree.ts'
import type { StoreContext } from '../context/context.ts'

/** The proposals of the agreements of ranks. docs/format.md lists them. */

export const startSchema = v.looseObject({ process: v.string() })

export const openSchema = v.looseObject({ size: countSchema })

export const memberSchema = v.looseObject({ process: v.string(), ticket: countSchema })

export const hereSchema = v.looseObject({ process: v.string() })

/** The checkpoint from which a term continues; `null` if there is none. */
export const choiceSchema = v.looseObject({
  attempt: v.nullable(attemptSchema),
  /** Later checkpoints that were restored too often. The term rewinds to the chosen one. */
  tooOften: v.optional(v.array(v.looseObject({ step: countSchema, tries: countSchema }))),
  /** The version of the catalog on which the proposal is based. */
  base: countSchema,
})

/** The checkpoint to which the ranks go back. */
export const rewindProposalSchema = v.looseObject({
  step: countSchema,
  attempt: attemptSchema,
  /** The version of the catalog on which the proposal is based. */
  base: countSchema,
})

export const verdictSchema = v.looseObject({
  process: v.string(),
  attempt: v.nullable(attemptSchema),
  /** What is wrong with the checkpoint; `null` if the rank can continue from it. */
  fault: v.nullable(v.string()),
  /** The rank did not find the checkpoint listed any more, and read nothing of it. */
  unlisted: v.optional(v.literal(true)),
})

export const attemptProposalSchema = v.looseObject({
  attempt: attemptSchema,
  order: orderSchema,
  savedAt: timeSchema,
  /** The attempt of the checkpoint from which the save continues: `resumed` of the manifest. Omitted if there is none. */
  continues: v.optional(attemptSchema),
})

/** What one rank adds to a checkpoint. */
export const partSchema = v.looseObject({
  process: v.string(),
  term: countSchema,
  /** The attempt from which the term of the rank resumed; `null` if it began without a checkpoint. */
  resumed: v.nullable(attemptSchema),
  files: v.array(manifestFileSchema),
  epoch: v.optional(epochSchema),
  metrics: metricsSchema,
  tags: v.array(v.string()),
  metadata: v.optional(v.unknown()),
  dataState: v.optional(v.unknown()),
})

export type Choice = Named<v.InferOutput<typeof choiceSchema>>
export type RewindProposal = Named<v.InferOutput<typeof rewindProposalSchema>>
export type AttemptProposal = Named<v.InferOutput<typeof attemptProposalSchema>>
export type Part = Named<v.InferOutput<typeof partSchema>>
export type Verdict = Named<v.InferOutput<typeof verdictSchema>>

/** What ranks require of a store. */
export type RanksContext = Pick<StoreContext, 'backend' | 'environment'>

/** An agreement with its parsed proposal. */
export interface Agreed<Proposal> {
  readonly id: string
  readonly proposal: Proposal
}

/** Creates an agreement if it is absent, and returns what the store holds. See `agree`. */
export async function agreeOn<Schema extends v.GenericSchema>(
  context: RanksContext,
  name: AgreementName,
  schema: Schema,
  proposal: Named<v.InferInput<Schema>>,
  signal: AbortSignal | undefined,
): Promise<Agreed<v.InferOutput<Schema>> | undefined> {
  const agreement = await agree(context, name, proposal, signal)
  return agreement && parsed(agreement, schema)
}

/** Returns an agreement; `undefined` if the store holds none. */
export async function findAgreed<Schema extends v.GenericSchema>(
  { backend }: RanksContext,
  name: AgreementName,
  schema: Schema,
  signal: AbortSignal | undefined,
): Promise<Agreed<v.InferOutput<Schema>> | undefined> {
  const agreement = await readAgreement(backend, name, signal)
  return agreement && parsed(agreement, schema)
}

function parsed<Schema extends v.GenericSchema>(
  { name, id, proposal }: Agreement,
  schema: Schema,
): Agreed<v.InferOutput<Schema>> {
  const result = v.safeParse(schema, proposal)
  if (result.success) return { id, proposal: result.output }
  const [issue] = result.issues
  throw new HoldfastError(
    'CORRUPT',
    `${agreementKey(name)} has an invalid proposal: ${v.getDotPath(issue) ?? 'the proposal'}: ${issue.message}`,
  )
}
