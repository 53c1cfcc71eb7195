/** Happenings: what strikes the world, and when orders are given in it. */
import type { Agenda } from './agenda.ts'
import type { ChainModel } from './chain-model.ts'
import type { Bar } from './checker.ts'
import type { Ground } from './grounds.ts'
import { Orders } from './orders.ts'
import type { Mishap, Plan } from './plan.ts'
import { Random } from './random.ts'
import type { Replica } from './replica.ts'
import type { Truth } from './truth.ts'

export interface Stage {
  readonly agenda: Agenda
  readonly chain: ChainModel
  readonly truth: Truth
  readonly ground: Ground
  readonly replicas: readonly Replica[]
  readonly start: (replica: Replica) => void
  readonly sessionId: (name: string) => string
  /** An operator asks for this much more, which may or may not arrive. */
  readonly onRaise: (sessionId: string, amount: bigint) => void
  /** Where nothing may be reserved, and when. */
  readonly bars: Bar[]
  readonly note: (what: string) => void
}

type Struck<K extends Mishap['kind']> = Extract<Mishap, { kind: K }>

export class Happenings {
  readonly #stage: Stage
  readonly #orders: Orders
  #left = 0
  #chainDown = 0
  #seed = 0

  constructor(stage: Stage) {
    this.#stage = stage
    this.#orders = new Orders(stage)
  }

  /** How much of the plan is still to come or not over yet. */
  get left(): number {
    return this.#left
  }

  get chainUp(): boolean {
    return this.#chainDown === 0
  }

  begin({ seed, mishaps, orders }: Plan): void {
    this.#seed = seed
    this.#left = mishaps.length + orders.length
    for (const mishap of mishaps) this.#after(mishap.at_ms, () => this.#strike(mishap))
    for (const order of orders) this.#after(order.at_ms, () => this.#orders.obey(order, { seed, over: () => this.#over() }))
  }

  /** The chain can be asked again. */
  mend(): void {
    this.#chainDown = 0
  }

  #strike(mishap: Mishap): void {
    const replica = 'replica' in mishap ? this.#stage.replicas[mishap.replica] : undefined
    this.#stage.note(`mishap: ${mishap.kind}${replica ? ` of ${replica.name}` : ''}`)
    switch (mishap.kind) {
      case 'crash':
        this.#crash(mishap, replica)
        break
      case 'cut':
        replica?.cut()
        this.#over(mishap.lasts_ms, () => replica?.mend())
        break
      case 'clock':
        replica?.jump(mishap.jump_ms)
        this.#over()
        break
      case 'rpc':
        this.#chainDown++
        this.#over(mishap.lasts_ms, () => {
          this.#chainDown = Math.max(0, this.#chainDown - 1)
        })
        break
      case 'reorganisation':
        this.#reorganise(mishap)
        break
      case 'standstill':
        // The chain has known of it since the beginning.
        this.#over()
    }
  }

  #crash({ stream, down_ms }: Struck<'crash'>, replica: Replica | undefined): void {
    if (replica?.started) replica.crash(new Random(this.#seed, stream).chance(0.5))
    this.#over(down_ms, () => {
      if (replica && !replica.started) this.#stage.start(replica)
    })
  }

  #reorganise({ stream }: Struck<'reorganisation'>): void {
    const random = new Random(this.#seed, stream)
    this.#stage.chain.reorganise(() => random.chance(0.7))
    this.#over()
  }

  /** After a while it is done with, and something ends with it. */
  #over(delay_ms = 0, end: () => void = () => undefined): void {
    this.#after(delay_ms, () => {
      end()
      this.#left--
    })
  }

  #after(delay_ms: number, run: () => void): void {
    this.#stage.agenda.later(delay_ms, this.#stage.agenda.world, run)
  }
}
