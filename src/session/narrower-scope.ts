/** The scope of a child session: within its parent's in every dimension, and never judged more mildly. */
import { coversHost, matchesPath } from './host-pattern.ts'
import type { Issue } from './issues.ts'
import type { SessionScope } from './session.ts'

const SEVERITY = { report: 0, escalate: 1, deny: 2 } as const

/** Sound, because literal parts of the wider glob can only meet literal parts of the narrower one. */
const coversPath = (wider: string, narrower: string) => wider === narrower || matchesPath(wider, narrower)

/** The scope that holds for the child: its own, and its parent's where it says nothing. */
export function narrowedScope(parent: SessionScope, asked: SessionScope): SessionScope {
  return { ...parent, ...asked }
}

/** Every place where the child asks for more than its parent has. */
export function widerScope(parent: SessionScope, asked: SessionScope): Issue[] {
  return [
    ...beyond('scope.hosts', { wanted: asked.hosts, allowed: parent.hosts, covers: coversHost }),
    ...beyond('scope.methods', { wanted: asked.methods, allowed: parent.methods }),
    ...beyond('scope.paths', { wanted: asked.paths, allowed: parent.paths, covers: coversPath }),
    ...beyond('scope.categories', { wanted: asked.categories, allowed: parent.categories }),
    ...beyond('scope.tools', { wanted: asked.tools, allowed: parent.tools }),
    ...milder(parent, asked),
  ]
}

interface Lists {
  readonly wanted: readonly string[] | undefined
  /** Undefined where the parent allows all. */
  readonly allowed: readonly string[] | undefined
  readonly covers?: (allowed: string, wanted: string) => boolean
}

/** What of a list its parent's does not have, in one sentence. */
export function beyond(path: string, { wanted, allowed, covers = (one, other) => one === other }: Lists): Issue[] {
  if (!wanted || !allowed) return []
  const further = wanted.filter((one) => !allowed.some((other) => covers(other, one)))
  if (further.length === 0) return []
  return [{ path, message: `the parent does not have ${further.join(', ')} (it has ${allowed.join(', ') || 'none'})` }]
}

function milder(parent: SessionScope, asked: SessionScope): Issue[] {
  const drift = parent.onDrift && asked.onDrift && SEVERITY[asked.onDrift] < SEVERITY[parent.onDrift]
  return [
    ...(parent.enforce === 'all' && asked.enforce === 'payments'
      ? [{ path: 'scope.enforce', message: 'the parent judges all requests, so its children do too' }]
      : []),
    ...(drift ? [{ path: 'scope.onDrift', message: `${asked.onDrift} is milder than the ${parent.onDrift} of the parent` }] : []),
  ]
}
