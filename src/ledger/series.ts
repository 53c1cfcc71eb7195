/** The series of rolling sums: what is counted in windows of time, and under which name. */
import { uniformAddress } from '../address.ts'
import type { FrequencyBound, FrequencyOf } from '../session/history.ts'
import type { Session } from '../session/session.ts'
import type { Attempt, Terms } from './ledger.ts'

/** The charges of a session, for its limits per window. */
export function chargesOf(session: Pick<Session, 'id'>): string {
  return `charges ${session.id}`
}

/** The payments of one task of a session, for its step budget; those that name no task are one. */
export function stepsOf({ id }: Pick<Session, 'id'>, { task }: Pick<Attempt, 'task'>): string {
  return `steps ${JSON.stringify([id, task ?? ''])}`
}

/** All entries of a series, however old. */
export const SINCE_EVER = -1

/** Who pays whom, as far as frequencies are counted by it. */
export interface Parties {
  readonly agent: string
  readonly sessionId: string
  readonly payTo: string
}

/** The payments of an agent in a tier. */
export function usesOf(agent: string, tier: string): string {
  return `uses ${JSON.stringify([agent, tier])}`
}

/** The payments that a tier's frequency counts together with one between these parties. */
export function countedWith(parties: Parties, { tier, of }: Pick<FrequencyBound, 'tier' | 'of'>): string {
  return SERIES[of ?? 'agent'](parties, tier)
}

const SERIES: Readonly<Record<FrequencyOf, (parties: Parties, tier: string) => string>> = {
  agent: ({ agent }, tier) => usesOf(agent, tier),
  session: ({ sessionId }, tier) => `uses of session ${JSON.stringify([sessionId, tier])}`,
  recipient: ({ payTo }, tier) => `uses of recipient ${JSON.stringify([uniformAddress(payTo), tier])}`,
  tier: (_, tier) => `uses of tier ${JSON.stringify([tier])}`,
}

/** Who pays whom in this attempt. */
export function partiesIn({ agent, sessionId, terms }: Pick<Attempt, 'agent' | 'sessionId'> & { readonly terms: Terms }): Parties {
  return { agent, sessionId, payTo: terms.payTo }
}
