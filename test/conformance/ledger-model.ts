/** The ledger against a model: any interleaving keeps spent + held within the cap and equal to what plain sums say. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Reservation } from '../../src/ledger/ledger.ts'
import { authorizationFor, CLAIMED, NEVER_SENT, NEVER_SIGNED } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

interface Reserve {
  readonly do: 'reserve'
  readonly amount: number
  readonly child: boolean
}

interface Move {
  readonly do: 'sign' | 'send' | 'post' | 'void' | 'unknown'
  readonly which: number
}

type Step = Reserve | Move

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('reserve' as const), amount: fc.integer({ min: 1, max: 60 }), child: fc.boolean() }),
  fc.record({ do: fc.constantFrom('sign', 'send', 'post', 'void', 'unknown'), which: fc.nat(12) }),
)
const turn = fc.oneof(fc.tuple(step), fc.array(step, { maxLength: 8 }))

type State = 'reserved' | 'signed' | 'sent' | 'settled' | 'void' | 'unknown'

interface Modelled {
  readonly reservation: Reservation
  readonly request: Parameters<typeof authorizationFor>[0]
  readonly amount: bigint
  readonly child: boolean
  state: State
}

const CAP = 200n
const CHILD_CAP = 120n

export function modelConformance(bench: () => Bench): void {
  describe('any interleaving of steps', () => {
    it('keeps spent + held within every cap, and equal to a model', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(turn, { maxLength: 20 }), async (turns) => {
          const parent = await bench().openSession({ cap: CAP })
          const child = await bench().openSession({ cap: CHILD_CAP, parent: parent.id })
          const world: World = { parent: parent.id, child: child.id, model: [] }
          for (const steps of turns) {
            await run(bench(), steps, world)
            await compare(bench(), world)
          }
        }),
        { numRuns: 60 },
      )
    })
  })
}

interface World {
  readonly parent: string
  readonly child: string
  readonly model: Modelled[]
}

/** Steps of one turn run at the same time, each on a payment of its own: which comes first is the adapter's affair. */
async function run(bench: Bench, turn: readonly Step[], world: World): Promise<void> {
  const alone = turn.length === 1
  const reserves = turn.filter((one) => one.do === 'reserve')
  const moves = new Map(turn.flatMap((one) => (one.do === 'reserve' ? [] : [[one.which, one] as const])))
  const fresh = await Promise.all([
    ...reserves.map((one) => reserve(bench, one, { world, alone })),
    ...[...moves.values()].map((one) => move(one, world.model[one.which])),
  ])
  world.model.push(...fresh.flatMap((one) => (one ? [one] : [])))
}

async function move({ do: what }: Move, target: Modelled | undefined): Promise<undefined> {
  if (!target) return
  const { reservation, state } = target
  const [next, legal] = NEXT[what](state)
  target.state = next
  const steps = {
    sign: () => reservation.record(authorizationFor(target.request)),
    send: async () => reservation.sent(),
    post: () => reservation.post(CLAIMED),
    unknown: () => reservation.leaveUnknown('why'),
    void: () => reservation.void(state === 'reserved' ? NEVER_SIGNED : NEVER_SENT),
  }
  await outcome(steps[what](), legal)
}

const on =
  (from: readonly State[], to: State, idle: readonly State[] = []) =>
  (state: State): [next: State, legal: boolean] => [from.includes(state) ? to : state, from.includes(state) || idle.includes(state)]

/** What each step makes of a state, and whether it is allowed there. */
const NEXT: Record<Move['do'], (state: State) => [next: State, legal: boolean]> = {
  sign: on(['reserved'], 'signed'),
  send: on(['signed'], 'sent', ['reserved', 'sent', 'settled', 'void', 'unknown']),
  post: on(['signed', 'sent', 'unknown'], 'settled', ['settled']),
  unknown: on(['signed', 'sent'], 'unknown', ['unknown']),
  void: on(['reserved', 'signed'], 'void', ['void']),
}

async function reserve(
  bench: Bench,
  { amount, child }: Reserve,
  { world, alone }: { world: World; alone: boolean },
): Promise<Modelled | undefined> {
  const request = bench.make.request(child ? world.child : world.parent, BigInt(amount))
  const fits =
    BigInt(amount) <= CAP - used(world.model) && (!child || BigInt(amount) <= CHILD_CAP - used(world.model.filter((one) => one.child)))
  const result = await bench.ledger.reserve(request)
  if (alone) expect(result.kind).toBe(fits ? 'reserved' : 'refused')
  return result.kind === 'reserved'
    ? { reservation: result.reservation, request, amount: BigInt(amount), child, state: 'reserved' }
    : undefined
}

async function outcome(step: Promise<void>, allowed: boolean): Promise<void> {
  const done = await step.then(
    () => true,
    () => false,
  )
  expect(done).toBe(allowed)
}

function used(model: readonly Modelled[]): bigint {
  return sum(model.filter(({ state }) => state !== 'void'))
}

function sum(model: readonly Modelled[]): bigint {
  return model.reduce((total, { amount }) => total + amount, 0n)
}

async function compare(bench: Bench, { parent, child, model }: World): Promise<void> {
  for (const [id, own, cap] of [
    [parent, model, CAP],
    [child, model.filter((one) => one.child), CHILD_CAP],
  ] as const) {
    const spent = sum(own.filter(({ state }) => state === 'settled'))
    const held = used(own) - spent
    expect(await bench.balance(id)).toEqual({ spent, held, payments: own.filter(({ state }) => state !== 'void').length })
    expect(spent + held <= cap).toBe(true)
  }
}
