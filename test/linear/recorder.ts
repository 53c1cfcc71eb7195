/** The recorder: clients that use one budget at the same time, and everything they did and were told. */
import { Random } from '../chaos/random.ts'
import type { Input, Operation, Output } from './operations.ts'

/** One way to a budget. Rejects where nobody can say what happened. */
export type Way = (input: Input) => Promise<Output>

export interface Workload {
  readonly seed: number
  readonly cap: bigint
  readonly clients: number
  /** Operations of each client. */
  readonly length: number
  /** What this budget cannot do. */
  readonly without?: readonly Input['do'][]
}

/** Amounts are a good part of the cap, so that its edge is met all the time. */
const PARTS = 12n

/** Each client has a way of its own, in turn where there are fewer ways. */
export async function record(
  ways: readonly [Way, ...Way[]],
  { seed, cap, clients, length, without = [] }: Workload,
): Promise<readonly Operation[]> {
  const operations: Operation[] = []
  let place = 0
  const client = async (at: number) => {
    const random = new Random(seed, at)
    const way = ways[at % ways.length] ?? ways[0]
    const own = new Script(random, { cap, name: `${seed}-${at}` })
    for (let turn = 0; turn < length; turn++) {
      if (random.chance(0.3)) await pause(random)
      const drawn = own.next()
      const input: Input = without.includes(drawn.do) ? { do: 'topUp', amount: 1n } : drawn
      const called = place++
      const output = await way(input).catch(() => undefined)
      operations.push({ client: at, input, output, called, returned: place++ })
      own.heard(input, output)
      // Whoever got no answer does nothing more: its operation may still be under way.
      if (!output) return
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, at) => client(at)))
  return operations
}

/** What a client does next: mostly it takes, and brings to an end what it has taken. */
class Script {
  readonly #random: Random
  readonly #options: { readonly cap: bigint; readonly name: string }
  readonly #reserved: string[] = []
  readonly #signed: string[] = []
  #count = 0

  constructor(random: Random, options: { readonly cap: bigint; readonly name: string }) {
    this.#random = random
    this.#options = options
  }

  next(): Input {
    const random = this.#random
    const roll = random.next()
    if (roll < 0.08) return { do: 'balance' }
    if (roll < 0.11) return { do: 'topUp', amount: this.#amount() }
    if (roll < 0.12) return { do: 'close' }
    const signed = random.chance(0.5) ? this.#signed.shift() : undefined
    if (signed !== undefined) return { do: random.chance(0.5) ? 'post' : 'void', id: signed }
    const reserved = random.chance(0.6) ? this.#reserved.shift() : undefined
    if (reserved !== undefined) return { do: random.chance(0.7) ? 'sign' : 'void', id: reserved }
    return { do: 'reserve', id: `${this.#options.name}-${++this.#count}`, amount: this.#amount() }
  }

  heard(input: Input, output: Output | undefined): void {
    if (output?.kind !== 'done') return
    if (input.do === 'reserve') this.#reserved.push(input.id)
    if (input.do === 'sign') this.#signed.push(input.id)
  }

  #amount(): bigint {
    return (this.#options.cap * BigInt(1 + this.#random.below(4))) / PARTS
  }
}

/** Some turns of the event loop. */
async function pause(random: Random): Promise<void> {
  for (let turns = random.below(4); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve))
}
