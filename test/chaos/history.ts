/** A history: one plan, lived through. */
import { createHash } from 'node:crypto'
import { compareWithChain, settleAll } from './ending.ts'
import type { Ground } from './grounds.ts'
import type { Plan } from './plan.ts'
import { type Control, World } from './world.ts'

export interface Lived {
  /** The first invariant that did not hold. */
  readonly violation: Error | undefined
  /** Things that happened. */
  readonly steps: number
  readonly signed: number
  /** Of everything that was noted, with its times: two runs of one plan have the same. */
  readonly digest: string
}

export interface LiveOptions {
  readonly ground: Ground
  readonly control?: Control
  readonly note?: (time_ms: number, what: string) => void
}

/** Nothing in a history may take longer; a plan that does has lost its way. */
const MAX_STEPS = 50_000

/** Lives through it at once: to be called by `played`. */
export function live(plan: Plan, options: LiveOptions): Lived {
  let noted = ''
  const note = (time_ms: number, what: string) => {
    noted += `${time_ms} ${what}\n`
    options.note?.(time_ms, what)
  }
  const digestOfAll = () => createHash('sha256').update(noted).digest('hex')
  const world = new World({ plan, ...options, note })
  let steps = 0
  try {
    world.begin()
    while (world.busy && world.step()) {
      if (++steps > MAX_STEPS) throw new Error('the history does not come to its end')
    }
    settleAll(world, plan)
    compareWithChain(world, plan)
    return { violation: undefined, steps, signed: world.truth.count, digest: digestOfAll() }
  } catch (cause) {
    const violation = cause instanceof Error ? cause : new Error(String(cause))
    return { violation, steps, signed: world.truth.count, digest: digestOfAll() }
  }
}
