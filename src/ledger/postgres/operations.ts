/** Operations: what a write does by the rules, with what it is foreseen to lock and read. A wrong guess costs time only. */
import type { Ids } from '../../clock.ts'
import type { AdminKey } from '../administration.ts'
import { bucketsOf } from '../buckets.ts'
import type { Attempt, NewSession, PurchaseIdentity, ReserveRequest } from '../ledger.ts'
import { composeRules, type Rules, type RulesOptions } from '../rules.ts'
import { chargesOf, countedWith, partiesIn, SINCE_EVER, stepsOf, usesOf } from '../series.ts'
import type { KnownLineage } from './lineages.ts'
import { dealingOf } from './memory.ts'
import type { Terms } from './sessions.ts'
import type { Operation, Work } from './transact.ts'
import type { Wants } from './wants.ts'
import { type WorkingTables, workingTables } from './working-tables.ts'

/** What an operation works with. */
export interface Hands extends Work {
  readonly tables: WorkingTables
  readonly rules: Rules
}

export type Write<T> = Operation<Hands, T>

export interface HandsOptions extends Omit<RulesOptions, 'tables' | 'runId'> {
  readonly terms: Terms
  readonly ids: Ids
}

export function handsFor(options: HandsOptions): (work: Work) => Hands {
  return (work) => {
    const tables = workingTables(work, options)
    return { ...work, tables, rules: composeRules({ ...options, tables, runId: work.runId }) }
  }
}

/** A payment whose session is known, so that a step of it needs no question before. */
export interface PaymentPlace {
  readonly paymentId: string
  readonly lineage: KnownLineage
  /** What it will be remembered by, where that is known already. */
  readonly deal: Pick<Attempt, 'agent' | 'origin' | 'terms'> | undefined
}

export function reserving(request: ReserveRequest, lineage: KnownLineage): Write<ReturnType<Rules['reserving']['reserve']>> {
  return {
    queue: lineage.queue,
    foresee(wants) {
      lockSessions(wants, lineage)
      foreseeIdentity(wants, request.purchase)
      wants.row({ access: 'halts', values: [] }).row({ access: 'meta', values: ['policy'] })
      wants.places('payments', 1).row({ access: 'head', values: [usesOf(request.attempt.agent, request.attempt.tier)] })
      if (request.frequency) wants.row({ access: 'head', values: [countedWith(partiesIn(request.attempt), request.frequency)] })
      foreseeUses(wants, request)
      for (const { id, limits } of lineage.terms) {
        if (limits.perWindow?.length) wants.row({ access: 'head', values: [chargesOf({ id })] })
        if (limits.perTask?.payments !== undefined) wants.row({ access: 'head', values: [stepsOf({ id }, request.attempt)] })
        for (const { bucket } of bucketsOf(limits, request.attempt)) wants.row({ access: 'spending', values: [id, bucket] })
      }
    },
    foreseeAt(wants, now) {
      const { frequency, attempt } = request
      if (frequency) wants.window({ series: countedWith(partiesIn(attempt), frequency), after: now - frequency.per_ms })
      for (const { id, limits } of lineage.terms) {
        if (limits.perTask?.payments !== undefined) wants.window({ series: stepsOf({ id }, attempt), after: SINCE_EVER })
        for (const { per_ms } of limits.perWindow ?? []) wants.window({ series: chargesOf({ id }), after: now - per_ms })
      }
    },
    run: ({ tx, rules }) => rules.reserving.reserve(tx, request),
  }
}

export function refusing<T>(lineage: KnownLineage, run: (hands: Hands) => T): Write<T> {
  return {
    queue: lineage.queue,
    foresee(wants) {
      lockSessions(wants, lineage).places('payments', 1).places('receipts', 1)
    },
    run,
  }
}

/** A step of a payment; `writes` an entry about it, unless it says that it will not. */
export function stepping<T>(place: PaymentPlace, run: (hands: Hands) => T, entries = 1): Write<T> {
  const { paymentId, lineage, deal } = place
  return {
    queue: lineage.queue,
    foresee(wants) {
      lockSessions(wants, lineage).row({ access: 'payment', values: [paymentId] })
      if (entries > 0) wants.places('receipts', entries)
      const key = entries > 0 && deal ? dealingOf(deal) : undefined
      if (key) wants.row({ access: 'dealing', values: key })
    },
    run,
  }
}

export function resuming<T>(purchase: PurchaseIdentity, lineage: KnownLineage, run: (hands: Hands) => T): Write<T> {
  return { queue: lineage.queue, foresee: (wants) => foreseeIdentity(lockSessions(wants, lineage), purchase), run }
}

export interface Opening {
  readonly session: NewSession
  readonly parent: KnownLineage | undefined
  readonly key: AdminKey | undefined
}

export function opening<T>({ session, parent, key }: Opening, run: (hands: Hands) => T): Write<T> {
  return {
    queue: parent?.queue ?? session.agent,
    foresee(wants) {
      wants.row({ access: 'session', values: [session.id] }).places('sessions', 1)
      if (parent) lockSessions(wants, parent)
      if (key) wants.row({ access: 'adminKey', values: [key.key] })
      if (session.name !== null) wants.row({ access: 'sessionNamed', values: [session.name] })
    },
    run,
  }
}

/** Something about a session: topping it up, ending it. */
export function accounting<T>(lineage: KnownLineage, run: (hands: Hands) => T, key?: AdminKey): Write<T> {
  return {
    queue: lineage.queue,
    foresee(wants) {
      lockSessions(wants, lineage)
      if (key) wants.row({ access: 'adminKey', values: [key.key] })
    },
    run,
  }
}

/** Something that belongs to no session. `about` chooses the lane. */
export function housekeeping<T>(about: string, foresee: (wants: Wants) => void, run: (hands: Hands) => T): Write<T> {
  return { queue: about, foresee, run }
}

function lockSessions(wants: Wants, { ids }: KnownLineage): Wants {
  for (const id of ids) wants.row({ access: 'session', values: [id] })
  return wants
}

/** What a payment may find used already: its challenge, and the place of its recipient. */
function foreseeUses(wants: Wants, { challengeNonce, presigned, nonce, pin, attempt }: ReserveRequest): void {
  if (challengeNonce || presigned) wants.row({ access: 'nonce', values: [nonce] })
  if (pin) wants.row({ access: 'pin', values: [attempt.origin, attempt.terms.network] })
}

function foreseeIdentity(wants: Wants, { fingerprint, keyDigest }: PurchaseIdentity): void {
  wants.row(keyDigest === null ? { access: 'unkeyed', values: [fingerprint] } : { access: 'keyed', values: [keyDigest] })
  wants.row({ access: 'livingRuns', values: [] })
}
