/**
 * What every rail and scheme has to hold, whatever its server, its facilitator and its chain do: one table, for all of
 * them. A purchase settles at most once, what may still be taken stays held, and in the end the ledger is the chain to the
 * unit. What a rail does otherwise stands in its world as data, with the reason.
 */
import { describe, expect, it } from 'vitest'
import { parseAmount } from '../../src/money.ts'
import type { OpenSession } from '../e2e/purser.ts'
import type { Deed } from '../testnet/meddler.ts'
import type { OpenRailHouse } from './rail-house.ts'
import type { Fault, RailSpec, RailWorld, Told } from './rail-world.ts'

interface RailCase {
  readonly name: string
  /** What the first payment meets; the second one meets an honest server, or the same `again`. */
  readonly deed?: Deed
  readonly fault?: Fault
  readonly again?: true
  /** Money moves by the first payment. */
  readonly settles: boolean
  /** What the agent is told, at first and when it repeats itself. */
  readonly first: Told
  readonly repeat: Told
}

const SERVED: Told = { status: 200, money: 'moved' }
const REJECTED: Told = { status: 502, code: 'payment_rejected', money: 'unknown' }

const CASES: readonly RailCase[] = [
  { name: 'verify fails', fault: 'verify: invalid', settles: false, first: REJECTED, repeat: SERVED },
  { name: 'settlement fails', fault: 'settle: error', settles: false, first: REJECTED, repeat: SERVED },
  { name: 'settlement reverts on the chain', fault: 'settle: revert', settles: false, first: REJECTED, repeat: SERVED },
  { name: 'settled, and the server is not told', fault: 'settle: lost', settles: true, first: REJECTED, repeat: REJECTED },
  { name: 'settled, and denied by a 402', deed: 'pass, then ask again', settles: true, first: REJECTED, repeat: REJECTED },
  {
    name: 'settled, and denied by a 403',
    deed: 'pass, then 403',
    settles: true,
    first: { status: 403, money: 'unknown' },
    repeat: REJECTED,
  },
  {
    name: 'settled and said so, and denied by a 403',
    deed: 'pass, then 403 with its words',
    settles: true,
    first: { status: 403, money: 'moved' },
    repeat: REJECTED,
  },
  {
    name: 'settled, and denied by a 500',
    deed: 'pass, then 500',
    settles: true,
    first: { status: 500, money: 'unknown' },
    repeat: REJECTED,
  },
  {
    ...{ name: 'settled, and the answer is lost', deed: 'pass, then reset', settles: true, repeat: REJECTED },
    first: { status: 502, code: 'payment_unknown', money: 'unknown' },
  },
  { name: 'a second challenge', deed: 'ask again', settles: false, first: REJECTED, repeat: SERVED },
  { name: 'a second challenge, each time', deed: 'ask again', again: true, settles: false, first: REJECTED, repeat: REJECTED },
  { name: 'changed terms', deed: 'ask otherwise', settles: false, first: REJECTED, repeat: SERVED },
  { name: 'changed terms, each time', deed: 'ask otherwise', again: true, settles: false, first: REJECTED, repeat: REJECTED },
  { name: 'settled, and changed terms', deed: 'pass, then ask otherwise', settles: true, first: REJECTED, repeat: REJECTED },
]

/** Once the chain has told of the money, and the server still has not handed out what it sold. */
const KEPT_FROM_US: Told = { status: 502, code: 'paid_not_delivered', money: 'moved' }
const CAP = '1.00'

export function railCases(rail: RailSpec, house: () => OpenRailHouse): void {
  describe(rail.name, () => {
    const possible = CASES.filter(({ name }) => !rail.differs[name]?.never)

    it('clean: is settled once, and who asks at once or again under its key gets the same answer', async () => {
      const purchase = await begin(rail, house())
      const key = { 'idempotency-key': crypto.randomUUID() }
      expect(await Promise.all([purchase.buy(key), purchase.buy(key)])).toEqual([SERVED, SERVED])
      await purchase.agree()
      expect(await purchase.buy(key)).toEqual(SERVED)
      expect(purchase.presented()).toHaveLength(1)
      await purchase.concluded()
    })

    it.each(possible)('$name: one settlement at most, and the books are the chain', async (one) => {
      const purchase = await begin(rail, house(), one)
      const { first, repeat } = toldIn(rail, one)
      expect(perhapsKnown(one, first)).toContainEqual(await purchase.buy())
      expect(purchase.unmet()).toBe(one.again ? 1 : 0)
      expect((await purchase.agree()).settled).toHaveLength(one.settles ? 1 : 0)
      expect([...perhapsKnown(one, repeat), ...(one.settles ? [KEPT_FROM_US] : [])]).toContainEqual(await purchase.buy())
      expect(new Set(purchase.presented()).size).toBe(1)
      const { settled } = await purchase.agree()
      expect(settled).toHaveLength(one.again ? 0 : 1)
      if (one.again) return
      await purchase.concluded()
      if (repeat.status !== 200) expect(await purchase.buy()).toEqual(KEPT_FROM_US)
      await purchase.concluded()
    })

    it('expiry: unsettled money is free when its window has closed on the chain, not before, and is then safe', async () => {
      const purchase = await begin(rail, house(), { deed: 'keep' })
      expect(await purchase.buy()).toEqual({ status: 503, money: 'unknown' })
      await purchase.reconcile()
      expect(await purchase.agree()).toMatchObject({ spent: 0n, held: rail.price })
      const { world } = purchase
      const end_ms = Date.parse(String((await purchase.payment()).validBefore))
      await world.passUntil(end_ms - 3_000)
      await purchase.reconcile()
      expect(await purchase.agree()).toMatchObject({ spent: 0n, held: rail.price })
      await world.passUntil(end_ms + rail.afterEnd_ms)
      await purchase.reconcile()
      expect(await purchase.payment()).toMatchObject({ state: 'void', evidence: 'confirmed' })
      expect(await purchase.agree()).toMatchObject({ spent: 0n, held: 0n })
      const [kept = ''] = purchase.presented()
      await world.meddler.handIn(kept)
      expect((await purchase.agree()).settled).toEqual([])
      expect(await purchase.buy()).toEqual(SERVED)
      expect(new Set(purchase.presented()).size).toBe(2)
      await purchase.concluded()
    })
  })
}

function toldIn({ differs }: RailSpec, { name, first, repeat }: RailCase): Pick<RailCase, 'first' | 'repeat'> {
  return { first, repeat, ...differs[name]?.told }
}

/** The chain is looked at every few seconds: what it shows may be known before the agent is answered. */
function perhapsKnown({ settles }: RailCase, told: Told): readonly Told[] {
  return settles ? [told, { ...told, money: 'moved' }] : [told]
}

interface Standing {
  /** In the order in which it left the payer. */
  readonly settled: readonly bigint[]
  readonly spent: bigint
  readonly held: bigint
}

/** One purchase in a session of its own. */
interface Purchase {
  readonly world: RailWorld
  buy(headers?: Record<string, string>): Promise<Told>
  /** Deeds and faults that were meant for it and that it has not met. */
  unmet(): number
  /** Its payments as the server's side saw them. */
  presented(): readonly string[]
  /** The newest payment of the session. */
  payment(): Promise<Record<string, unknown>>
  reconcile(): Promise<void>
  /** What holds at any time, and how things stand. */
  agree(): Promise<Standing>
  /** What holds in the end: settled once, proven, in the books to the unit, nothing held, on its receipt. */
  concluded(): Promise<void>
}

interface Listed {
  readonly items: readonly Record<string, unknown>[]
}

async function begin(
  rail: RailSpec,
  { purser, at }: OpenRailHouse,
  { name = 'once', deed, fault, again }: Partial<RailCase> = {},
): Promise<Purchase> {
  const { world, url } = at(rail.name)
  const { meddler, shopping } = world
  const session = await purser.openSession({ cap: CAP })
  const before = { settled: (await world.settled()).length, presented: meddler.payments.length }
  if (deed) meddler.plan(...(again ? [deed, deed] : [deed]))
  if (fault) world.fault(fault)
  const buy: Purchase['buy'] = async (headers = {}) => {
    const init = shopping.init(name)
    const answer = await fetch(url + shopping.target(name), {
      ...init,
      headers: { ...(init.headers as Record<string, string>), 'purser-session': session.token, ...headers },
    })
    return shopping.read(answer, await answer.text())
  }
  const payments = async () => (await purser.admin<Listed>(`/v1/payments?session=${session.id}`)).items
  const agree: Purchase['agree'] = async () => {
    const settled = (await world.settled()).slice(before.settled)
    const { spent, held, remaining } = await balanceOf(purser, session)
    expect(settled.length).toBeLessThanOrEqual(1)
    expect(sum(settled)).toBeLessThanOrEqual(spent + held)
    expect(spent + held).toBeLessThanOrEqual(rail.price)
    expect(remaining).toBe(parseAmount(CAP) - spent - held)
    return { settled, spent, held }
  }
  const reconcile = async () => void (await purser.admin('/v1/reconcile', { method: 'POST', body: '{}' }))
  const settledPayments = async () => (await payments()).filter(({ state }) => state !== 'void')
  return {
    ...{ world, buy, agree, reconcile },
    unmet: () => meddler.planned.length + world.faults(),
    presented: () => meddler.payments.slice(before.presented),
    payment: async () => (await payments())[0] ?? {},
    concluded: async () => {
      // Once before it is final, as may happen at any time.
      await reconcile()
      await world.finalize()
      await reconcile()
      await expect.poll(settledPayments).toMatchObject([{ state: 'settled', evidence: 'confirmed', amountAtomic: String(rail.charged) }])
      expect(await agree()).toEqual({ settled: [rail.charged], spent: rail.charged, held: 0n })
      const [{ id } = {}] = await settledPayments()
      const { items } = await purser.admin<Listed>(`/v1/receipts?session=${session.id}`)
      expect(items).toContainEqual(expect.objectContaining({ kind: 'conclusion', paymentId: id }))
    },
  }
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((all, amount) => all + amount, 0n)
}

async function balanceOf(purser: OpenRailHouse['purser'], { id }: OpenSession) {
  const { spent, held, remaining } = await purser.admin<Record<'spent' | 'held' | 'remaining', string>>(`/v1/sessions/${id}`)
  return { spent: parseAmount(spent), held: parseAmount(held), remaining: parseAmount(remaining) }
}
