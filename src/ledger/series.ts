/** The series of rolling sums: what is counted in windows of time, and under which name. */
import type { Session } from '../session/session.ts'

/** The charges of a session, for its limits per window. */
export function chargesOf(session: Pick<Session, 'id'>): string {
  return `charges ${session.id}`
}

/** The payments of an agent in a tier. */
export function usesOf(agent: string, tier: string): string {
  return `uses ${JSON.stringify([agent, tier])}`
}
