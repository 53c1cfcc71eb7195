/** The steps of a task: how many requests of any kind a session has made in it. Each process counts for itself. */
import { LRUCache } from 'lru-cache'
import type { Refusal } from '../errors.ts'
import { MAX_WATCHED } from '../people-limits.ts'
import type { Session } from './session.ts'

export interface Steps {
  /** Counts one request of this task, in its session and in each ancestor that has a step budget; says why not where one is used up. */
  take(session: Session, task: string | undefined): Promise<Refusal | undefined>
}

/** @param parentOf the session of this id; undefined where there is none */
export function createSteps(parentOf: (id: string) => Promise<Session | undefined>): Steps {
  const taken = new LRUCache<string, number>({ max: MAX_WATCHED })

  /** A child inherits its parent's step budget, so where it has none, none above it has one either. */
  async function budgets(session: Session): Promise<readonly Session[]> {
    const line: Session[] = []
    for (let one: Session | undefined = session; one?.limits.perTask?.requests !== undefined; ) {
      line.push(one)
      one = one.parent === null ? undefined : await parentOf(one.parent)
    }
    return line
  }

  return {
    async take(session, task) {
      if (session.limits.perTask?.requests === undefined) return undefined
      const line = await budgets(session)
      const full = line.find((one) => (taken.get(keyOf(one, task)) ?? 0) >= (one.limits.perTask?.requests ?? 0))
      if (full) return refusalFor(full, task)
      for (const one of line) taken.set(keyOf(one, task), (taken.get(keyOf(one, task)) ?? 0) + 1)
      return undefined
    },
  }
}

function keyOf({ id }: Session, task: string | undefined): string {
  return `${id} ${task ?? ''}`
}

function refusalFor({ id, limits }: Session, task: string | undefined): Refusal {
  const named = task === undefined ? 'requests that name no task' : `task ${JSON.stringify(task)}`
  const max = limits.perTask?.requests ?? 0
  const detail = `Session ${id} allows ${max} ${max === 1 ? 'request' : 'requests'} for each task, and ${named} has made them.`
  return { code: 'step_budget_exceeded', detail, sessionId: id, rule: 'limits.perTask.requests' }
}
