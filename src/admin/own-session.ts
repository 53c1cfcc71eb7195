/**
 * What the caller's own session still has: the balance, how much of each of its limits is used up, and what the sessions above
 * it leave. Of those only the smallest remainder is told, as each refusal tells it; their limits and owners stay theirs.
 */
import { z } from '@hono/zod-openapi'
import type { Context, Hono } from 'hono'
import type { Ledger } from '../ledger/ledger.ts'
import { MAX_HINT_CHARS } from '../limits.ts'
import { formatAmount } from '../money.ts'
import { remainingOf, type Session } from '../session/session.ts'
import type { AgentDoorDeps, AgentEnv } from './agent-door.ts'
import { parseWith } from './body.ts'
import { viewOf } from './sessions.ts'

type LimitUse = Awaited<ReturnType<Ledger['insight']['limitUse']>>[number]

/** One limit as JSON: amounts are decimal strings; of `payments` and `perTask`, which are counted, they are whole numbers. */
interface LimitUseView extends Pick<LimitUse, 'limit' | 'of'> {
  readonly max: string
  readonly used: string | null
  /** Of this limit; the budget may have less. */
  readonly left: string
}

const OwnSession = z.strictObject({ task: z.string().min(1).max(MAX_HINT_CHARS).optional() })

export function registerOwnSession(app: Hono<AgentEnv>, deps: AgentDoorDeps): void {
  app.get('/v1/session', async (context: Context<AgentEnv>) => {
    const { task = null } = parseWith(OwnSession, context.req.query())
    const session = (await deps.ledger.session(context.env.session.id)) ?? context.env.session
    const uses = await deps.ledger.insight.limitUse({ session, task, now: deps.clock.now() })
    return context.json({
      ...(await viewOf(session, deps)),
      available: formatAmount(await availableTo(session, deps.ledger)),
      limitsUsed: uses.map(limitUseView),
    })
  })
}

/** The smallest remainder of the session and all above it: a payment is reserved on each of them. */
async function availableTo(session: Session, ledger: Pick<Ledger, 'session'>): Promise<bigint> {
  let least = remainingOf(session)
  for (let above = session.parent; above !== null; ) {
    const ancestor = await ledger.session(above)
    if (!ancestor) break
    const remaining = remainingOf(ancestor)
    if (remaining < least) least = remaining
    above = ancestor.parent
  }
  return least
}

function limitUseView({ limit, of, max, used }: LimitUse): LimitUseView {
  const show = limit === 'payments' || limit === 'perTask' ? String : formatAmount
  const left = max - (used ?? 0n)
  return { limit, of, max: show(max), used: used === null ? null : show(used), left: show(left > 0n ? left : 0n) }
}
