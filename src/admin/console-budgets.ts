/** Open budgets, for the overview: those that run out first, and all of them added up. */
import { z } from '@hono/zod-openapi'
import type { Ledger } from '../ledger/ledger.ts'
import { formatAmount } from '../money.ts'
import { OVERVIEW_BUDGETS, OVERVIEW_SESSIONS } from '../people-limits.ts'
import { remainingOf, type Session, stateOf } from '../session/session.ts'
import { isoTime } from './views.ts'

const Money = { cap: z.string(), spent: z.string(), held: z.string(), remaining: z.string() }
const Names = { sessionId: z.string(), name: z.string().nullable(), agent: z.string(), purpose: z.string(), currency: z.string() }
export const BudgetView = z.object({ ...Names, ...Money, expiresAt: z.iso.datetime() }).openapi('Budget')
type BudgetView = z.infer<typeof BudgetView>
export const BudgetSumView = z.object({ sessions: z.int(), ...Money })

interface Budgets {
  readonly budgets: BudgetView[]
  readonly budgetSums: Record<string, z.infer<typeof BudgetSumView>>
  readonly budgetsPartial: boolean
}

/** What a child spends its ancestors spend too: only sessions without a parent are added up. */
export async function budgetsOf(ledger: Pick<Ledger, 'sessions'>, now: number): Promise<Budgets> {
  const { items, next } = await ledger.sessions({ limit: OVERVIEW_SESSIONS })
  const open = items.filter((session) => session.parent === null && ['open', 'exhausted'].includes(stateOf(session, now)))
  const sums = new Map<string, Sums>()
  for (const session of open) sums.set(session.currency, added(sums.get(session.currency), session))
  return {
    budgets: open.toSorted(fullestFirst).slice(0, OVERVIEW_BUDGETS).map(budgetView),
    budgetSums: Object.fromEntries([...sums].map(([currency, { sessions, ...money }]) => [currency, { sessions, ...shown(money) }])),
    budgetsPartial: next !== null,
  }
}

type Money = Pick<Session, 'cap' | 'spent' | 'held'>
type Sums = Money & { readonly sessions: number }

function added(sums: Sums = { cap: 0n, spent: 0n, held: 0n, sessions: 0 }, { cap, spent, held }: Money): Sums {
  return { cap: sums.cap + cap, spent: sums.spent + spent, held: sums.held + held, sessions: sums.sessions + 1 }
}

/** By the share that is used; cross-multiplied, because money is no fraction. Of nothing nothing is used. */
function fullestFirst(a: Session, b: Session): number {
  const [left, right] = [(a.spent + a.held) * (b.cap || 1n), (b.spent + b.held) * (a.cap || 1n)]
  return left === right ? 0 : left > right ? -1 : 1
}

function budgetView(session: Session): BudgetView {
  const { id, name, agent, purpose, currency, expiresAt } = session
  return { sessionId: id, name, agent, purpose, currency, ...shown(session), expiresAt: isoTime(expiresAt) }
}

function shown({ cap, spent, held }: Money) {
  return {
    cap: formatAmount(cap),
    spent: formatAmount(spent),
    held: formatAmount(held),
    remaining: formatAmount(remainingOf({ cap, spent, held })),
  }
}
