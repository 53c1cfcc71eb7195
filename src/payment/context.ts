/** The evidence around an attempt: what people agreed to, what was found odd, what else was possible. */
import type { Approval } from '../approval/approval.ts'
import type { Context } from '../ledger/context.ts'
import type { Classification } from '../policy/decision.ts'
import type { PaidRequest } from '../session/exchange.ts'
import { workloadOf } from '../session/workload.ts'

export interface ContextFacts {
  readonly approval?: Approval
  readonly classification?: Classification
  readonly alternatives?: readonly string[]
  /** What the server signed or said of itself. */
  readonly evidence?: readonly string[]
  /** Whose chain of agents, trace and workload it is. */
  readonly request?: Pick<PaidRequest, 'hints' | 'session'>
}

/** Null where nothing stands around it: most payments. */
export function contextOf({ approval, classification, alternatives = [], evidence = [], request }: ContextFacts): Context | null {
  const facts = classification?.facts ?? []
  const { onBehalfOf, trace } = request?.hints ?? {}
  const workload = request && workloadOf(request.session)
  const context: Context = {
    ...(approval ? { approval: votesOf(approval) } : {}),
    ...(approval?.shown.auditId === undefined ? {} : { auditId: approval.shown.auditId }),
    ...(onBehalfOf ? { onBehalfOf } : {}),
    ...(trace === undefined ? {} : { trace }),
    ...(workload ? { workload } : {}),
    ...(facts.length > 0 ? { facts } : {}),
    ...(evidence.length > 0 ? { evidence } : {}),
    ...(alternatives.length > 0 ? { alternatives } : {}),
  }
  return Object.keys(context).length > 0 ? context : null
}

function votesOf({ id, digest, votes }: Approval): NonNullable<Context['approval']> {
  return { id, digest, votes: votes.map(({ person, channel, at, reason }) => ({ person, channel, at, reason })) }
}
