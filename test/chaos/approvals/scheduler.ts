/** Who is next: a seed lets one of those who wait for the store go on at a time, and time passes where nobody can. */
import type { ApprovalStore } from '../../../src/approval/approval.ts'
import type { pausingClock } from '../../approval/service-rig.ts'
import type { Random } from '../random.ts'

type Time = ReturnType<typeof pausingClock>

/** Lets one of those who wait go on at a time. */
export class Scheduler {
  readonly #random: Random
  readonly #time: Time
  readonly #waiting: (() => void)[] = []

  constructor(random: Random, time: Time) {
    this.#random = random
    this.#time = time
  }

  readonly turn = (): Promise<void> => new Promise((resolve) => this.#waiting.push(resolve))

  /** The same store, whose methods wait for their turn. */
  slow(store: ApprovalStore): ApprovalStore {
    const waits = (name: string | symbol) => typeof name === 'string' && name !== 'watchApprovals'
    return new Proxy(store, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name)
        if (typeof method !== 'function') return method
        const call = method.bind(target)
        return waits(name) ? (...args: unknown[]) => this.turn().then(() => call(...args)) : call
      },
    })
  }

  async run(actors: readonly Promise<unknown>[]): Promise<void> {
    let over = false
    const all = Promise.all(actors).finally(() => {
      over = true
    })
    all.catch(() => undefined)
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      if (over) return void (await all)
      const [next] = this.#waiting.splice(this.#random.below(this.#waiting.length), 1)
      if (next) next()
      else this.#pass()
    }
  }

  /** Nobody can do anything before time passes. */
  #pass(): void {
    const ends = [...this.#time.pauses].map(({ until }) => until)
    if (ends.length === 0) throw new Error('everybody waits for ever')
    this.#time.advance(Math.max(1, Math.min(...ends) - this.#time.clock.monotonic()))
  }
}
