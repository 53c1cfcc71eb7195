/** Which agent a proven workload is, and what its sessions get. */
import { matchesGlob } from '../session/host-pattern.ts'
import type { SessionRequest } from '../session/spec.ts'
import type { Workload } from '../session/workload.ts'

/** The terms of the sessions that are minted for workloads of this kind. */
export interface WorkloadRule {
  /** As the issuer is configured; `certificate` for client certificates. */
  readonly issuer: string
  /** `*` stands for any run of characters but `:` and `/`. */
  readonly subject: string
  readonly agent: string
  /** The name of a budget of the configuration, or the id of a session that an operator opened. */
  readonly parent: string
  /** Cap, lifetime and what else narrows the budget. */
  readonly session: Omit<SessionRequest, 'agent' | 'parent'>
}

/** The first rule that names this workload. */
export function ruleFor(rules: readonly WorkloadRule[], { issuer, subject }: Workload): WorkloadRule | undefined {
  return rules.find((rule) => rule.issuer === issuer && matchesSubject(rule.subject, subject))
}

/** A `*` never crosses the parts of a subject: who may name their own service account must not reach another namespace. */
export function matchesSubject(glob: string, subject: string): boolean {
  const [globs, parts] = [partsOf(glob), partsOf(subject)]
  return globs.length === parts.length && globs.every((part, at) => matchesGlob(part, parts[at] ?? ''))
}

function partsOf(subject: string): string[] {
  return subject.split(/([:/])/)
}
