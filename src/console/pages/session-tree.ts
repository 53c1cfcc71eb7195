/** Sessions as a tree: each below its parent, as far as both were read. */
import type { SessionView } from './shapes.ts'

export interface Branch {
  readonly session: SessionView
  /** In the order in which they came. */
  readonly below: readonly Branch[]
}

/** The newest read first; a session whose parent was not read stands at the top. */
export function branches(sessions: readonly SessionView[]): Branch[] {
  const known = new Set(sessions.map(({ id }) => id))
  const below = Map.groupBy(sessions, ({ parent }) => (parent !== null && known.has(parent) ? parent : ''))
  const grow = (parent: string): Branch[] => (below.get(parent) ?? []).map((session) => ({ session, below: grow(session.id) }))
  return grow('')
}

/** Parents that are named and were not read. */
export function missingParents(sessions: readonly SessionView[]): string[] {
  const known = new Set(sessions.map(({ id }) => id))
  const named = sessions.flatMap(({ parent }) => (parent === null || known.has(parent) ? [] : [parent]))
  return [...new Set(named)]
}

const AT_WORK: ReadonlySet<SessionView['state']> = new Set(['open', 'exhausted', 'closing'])

/** It pays, or something below it does: what has ended altogether may be folded away. */
export function isAtWork({ session, below }: Branch): boolean {
  return AT_WORK.has(session.state) || below.some(isAtWork)
}

/** Without repeats; what was read again later replaces what was read before, in its place. */
export function merged(before: readonly SessionView[], more: readonly SessionView[]): SessionView[] {
  const all = new Map(before.map((session) => [session.id, session]))
  for (const session of more) all.set(session.id, session)
  return [...all.values()]
}
