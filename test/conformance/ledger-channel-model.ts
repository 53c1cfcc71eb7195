/** Channels against a model: whatever happens to deposits and vouchers, budgets have what plain sums say, and limits too. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Channel } from '../../src/ledger/channels.ts'
import type { Reservation, ReserveRequest } from '../../src/ledger/ledger.ts'
import { authorizationFor, CLAIMED, NEVER_SIGNED } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'
import { DEPOSIT, NOT_CHARGED, newChannel, VOUCHER } from './ledger-channel-steps.ts'
import { DEAD, EXPIRED, SETTLED } from './ledger-findings.ts'

interface Deposit {
  readonly do: 'deposit'
  readonly amount: number
  readonly price: number
  readonly ends: 'settled' | 'lost' | 'dead' | 'unsigned'
}
interface Buy {
  readonly do: 'buy'
  readonly price: number
  readonly ends: 'charged' | 'lost' | 'not charged'
}
/** Something else is bought, without a channel. */
interface Pay {
  readonly do: 'pay'
  readonly amount: number
}
interface Find {
  readonly do: 'find'
  readonly what: 'settled' | 'dead' | 'expired'
}
interface Close {
  readonly do: 'close'
  /** Of what was deposited and is not charged. */
  readonly percent: number
}
type Step = Deposit | Buy | Pay | Find | Close

const amount = fc.integer({ min: 1, max: 60 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('deposit' as const),
    amount,
    price: amount,
    ends: fc.constantFrom('settled', 'settled', 'lost', 'dead', 'unsigned'),
  }),
  fc.record({
    do: fc.constant('buy' as const),
    price: fc.integer({ min: 1, max: 20 }),
    ends: fc.constantFrom('charged', 'lost', 'not charged'),
  }),
  fc.record({ do: fc.constant('pay' as const), amount }),
  fc.record({ do: fc.constant('find' as const), what: fc.constantFrom('settled', 'dead', 'expired') }),
  fc.record({ do: fc.constant('close' as const), percent: fc.integer({ min: 0, max: 100 }) }),
)

/** What a payment takes from the budgets and counts in the limits, while it is not void. */
interface Taken {
  readonly budget: bigint
  readonly counts: bigint
}

const CAP = 200n
const CHILD_CAP = 150n

export function modelOfChannels(bench: () => Bench): void {
  it('any run of deposits, vouchers and ends of a channel leaves what sums over the payments leave', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        const world = await World.open(bench())
        for (const one of steps) {
          await world.take(one)
          await world.compare()
        }
      }),
      { numRuns: 40 },
    )
  })
}

class World {
  readonly #bench: Bench
  readonly #parent: string
  readonly #child: string
  #taken: Taken[] = []
  #returned = 0n
  #channel: Channel | undefined
  /** The deposit that nobody knows the outcome of, with what it takes and whether its channel is still there. */
  #lost: { readonly request: ReserveRequest; readonly taken: Taken; readonly channel: string } | undefined

  constructor(bench: Bench, { parent, child }: { readonly parent: string; readonly child: string }) {
    this.#bench = bench
    this.#parent = parent
    this.#child = child
  }

  static async open(bench: Bench): Promise<World> {
    const limits = { perTool: { '*': 1_000_000n } }
    const parent = await bench.openSession({ cap: CAP })
    const child = await bench.openSession({ cap: CHILD_CAP, parent: parent.id, limits })
    return new World(bench, { parent: parent.id, child: child.id })
  }

  async take(one: Step): Promise<void> {
    if (one.do === 'deposit') await this.#deposit(one)
    else if (one.do === 'buy') await this.#buy(one)
    else if (one.do === 'pay') await this.#pay(BigInt(one.amount))
    else if (one.do === 'find') await this.#find(one.what)
    else await this.#close(BigInt(one.percent))
  }

  async compare(): Promise<void> {
    const { ledger } = this.#bench
    const sum = (of: (one: Taken) => bigint) => this.#taken.reduce((total, one) => total + of(one), 0n)
    for (const id of [this.#parent, this.#child]) {
      const { spent, held, payments } = await this.#bench.balance(id)
      expect(spent + held).toBe(sum(({ budget }) => budget) - this.#returned)
      expect(payments).toBe(this.#taken.length)
    }
    const session = await ledger.session(this.#child)
    if (!session) throw new Error('the session is gone')
    const uses = await ledger.insight.limitUse({ session, task: null, now: this.#bench.clock.now() })
    const used = uses.filter(({ limit }) => limit === 'perTool').reduce((total, one) => total + (one.used ?? 0n), 0n)
    expect(used).toBe(sum(({ counts }) => counts))
    if (!this.#channel) return
    const { deposited, signed, charged, pending } = (await ledger.channels.channel(this.#channel.id)) ?? this.#channel
    expect(charged <= signed && charged <= deposited + (pending?.deposit ?? 0n)).toBe(true)
  }

  get #room(): bigint {
    return CHILD_CAP - this.#taken.reduce((total, { budget }) => total + budget, 0n) + this.#returned
  }

  async #reserve(request: ReserveRequest, fits: boolean): Promise<Reservation | undefined> {
    const result = await this.#bench.ledger.reserve(request)
    expect(result.kind).toBe(fits ? 'reserved' : 'refused')
    return result.kind === 'reserved' ? result.reservation : undefined
  }

  async #pay(paid: bigint): Promise<void> {
    const request = this.#bench.make.request(this.#child, paid)
    const reservation = await this.#reserve(request, paid <= this.#room)
    if (!reservation) return
    await reservation.record(authorizationFor(request))
    await reservation.post(CLAIMED)
    this.#taken.push({ budget: paid, counts: paid })
  }

  async #deposit({ amount: brought, price, ends }: Deposit): Promise<void> {
    const { ledger, make } = this.#bench
    const [deposit, counts] = [BigInt(brought), BigInt(Math.min(price, brought))]
    const request = { ...make.request(this.#child, deposit, { terms: DEPOSIT }), counts }
    const reservation = await this.#reserve(request, deposit <= this.#room)
    if (!reservation) return
    this.#channel ??= await ledger.channels.open(newChannel(this.#bench, this.#child))
    const { id, version, charged } = this.#channel
    const vouching = { version, paymentId: request.paymentId, cumulative: charged + counts, deposit }
    const vouched = await ledger.channels.vouch(id, vouching)
    expect(vouched === undefined).toBe(this.#lost?.channel === id)
    if (vouched) this.#channel = vouched
    if (!vouched || ends === 'unsigned') {
      await reservation.void(NEVER_SIGNED)
      return
    }
    await reservation.record(authorizationFor(request))
    await this.#concludeDeposit(reservation, { request, ends, taken: { budget: deposit, counts } })
  }

  async #concludeDeposit(
    reservation: Reservation,
    { request, ends, taken }: { request: ReserveRequest; ends: Deposit['ends']; taken: Taken },
  ) {
    if (ends === 'settled') {
      await reservation.post(CLAIMED)
      this.#taken.push(taken)
      await this.#arrived(request, taken)
      return
    }
    await reservation.leaveUnknown('No answer.')
    if (ends === 'dead' || this.#lost) {
      await this.#bench.ledger.resolve(request.paymentId, DEAD)
      return
    }
    this.#taken.push(taken)
    this.#lost = { request, taken, channel: this.#channel?.id ?? '' }
  }

  /** The deposit is there, and what it was brought with is charged. */
  async #arrived({ paymentId }: ReserveRequest, { budget, counts }: Taken): Promise<void> {
    if (!this.#channel) return
    const { id, version, deposited, charged } = this.#channel
    const news = { state: 'open', deposited: deposited + budget, charged: charged + counts, over: paymentId } as const
    this.#channel = await this.#bench.ledger.channels.tell(id, version, news)
  }

  async #buy({ price, ends }: Buy): Promise<void> {
    if (this.#channel?.state !== 'open') return
    const { ledger, make } = this.#bench
    const { id, version, charged, deposited } = this.#channel
    const request = make.request(this.#child, BigInt(price), { terms: VOUCHER })
    const reservation = await this.#reserve(request, true)
    if (!reservation) return
    const vouching = { version, paymentId: request.paymentId, cumulative: charged + BigInt(price) }
    const pendingDeposit = this.#lost?.channel === id
    const fits = vouching.cumulative <= deposited
    const vouched = await ledger.channels.vouch(id, vouching).catch((cause: unknown) => {
      expect(cause).toBeInstanceOf(RangeError)
      return undefined
    })
    expect(vouched !== undefined).toBe(fits && !pendingDeposit)
    if (!vouched) {
      await reservation.void(NEVER_SIGNED)
      return
    }
    this.#channel = vouched
    await reservation.record(authorizationFor(request))
    const counts = BigInt(price)
    if (ends === 'charged') {
      await reservation.post(CLAIMED)
      this.#channel = await ledger.channels.tell(id, vouched.version, { charged: charged + counts, over: request.paymentId })
    } else await reservation.leaveUnknown('No answer.')
    if (ends === 'not charged') await reservation.void(NOT_CHARGED)
    else this.#taken.push({ budget: 0n, counts })
  }

  async #find(what: Find['what']): Promise<void> {
    if (!this.#lost) return
    const { request, taken, channel } = this.#lost
    const { ledger } = this.#bench
    await ledger.resolve(request.paymentId, what === 'settled' ? SETTLED : what === 'dead' ? DEAD : EXPIRED)
    this.#lost = undefined
    if (what === 'dead') this.#taken = this.#taken.filter((one) => one !== taken)
    if (what === 'settled' && this.#channel?.id === channel) await this.#arrived(request, taken)
  }

  async #close(percent: bigint): Promise<void> {
    if (!this.#channel) return
    const { channels } = this.#bench.ledger
    const { id, version, deposited, charged } = this.#channel
    const closing = await channels.tell(id, version, { state: 'closing' })
    const returned = ((deposited - charged) * percent) / 100n
    const end = { version: closing?.version ?? 0, returned, transaction: null, block: 9n }
    expect(await channels.close(id, end)).toMatchObject({ state: 'closed', returned })
    this.#returned += returned
    this.#channel = undefined
  }
}
