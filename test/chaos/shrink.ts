/** Shrinking: a failing plan is cut down, part by part, to what it takes to fail in the same way. */
import { Violation } from './books.ts'
import type { Plan } from './plan.ts'

export type Fails = (plan: Plan) => Promise<Error | undefined>

/** How often a plan is lived through at most to make it smaller. */
const MAX_RUNS = 300

/** The smallest plan found that breaks the same invariant. */
export async function shrink(plan: Plan, fails: Fails): Promise<Plan> {
  const wanted = kindOf(await fails(plan))
  let smallest = plan
  let runs = 0
  for (let smaller = true; smaller && runs < MAX_RUNS; ) {
    smaller = false
    for (const candidate of candidatesOf(smallest)) {
      if (++runs >= MAX_RUNS) break
      if (kindOf(await fails(candidate)) !== wanted) continue
      smallest = candidate
      smaller = true
      break
    }
  }
  return smallest
}

function kindOf(fault: Error | undefined): string | undefined {
  return fault instanceof Violation ? fault.invariant : fault?.name
}

/** Each leaves one part out. */
function* candidatesOf(plan: Plan): Generator<Plan> {
  for (const part of ['mishaps', 'orders', 'errands'] as const) {
    for (const [at] of plan[part].entries()) yield { ...plan, [part]: plan[part].filter((_, index) => index !== at) }
  }
  if (plan.losses > 0) yield { ...plan, losses: 0 }
  if (plan.replicas > 1)
    yield {
      ...plan,
      replicas: plan.replicas - 1,
      mishaps: plan.mishaps.filter((one) => !('replica' in one) || one.replica < plan.replicas - 1),
    }
  for (const [at, errand] of plan.errands.entries()) {
    if (errand.tries > 1)
      yield { ...plan, errands: plan.errands.map((one, index) => (index === at ? { ...one, tries: one.tries - 1 } : one)) }
  }
}

/** The plan as a few lines for people. */
export function describe(plan: Plan): string {
  const { seed, adapter, replicas, known, finality, sessions, errands, mishaps, orders, losses } = plan
  const shown = (value: unknown) => JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? `${member}` : member))
  return [
    `seed ${seed}, ${adapter}, ${replicas} replicas, chain ${known ? `known, final after ${finality}` : 'unknown'}, losses ${losses.toFixed(3)}`,
    ...sessions.map((session) => `session ${shown(session)}`),
    ...errands.map((errand) => `errand ${shown(errand)}`),
    ...mishaps.map((mishap) => `mishap ${shown(mishap)}`),
    ...orders.map((order) => `order ${shown(order)}`),
  ].join('\n')
}
