/** Recurring budgets and thresholds: what a session may spend as time goes by, and when somebody is told. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CLAIMED, NEVER_SENT, NEVER_SIGNED, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

const HOUR = 3_600_000

export function refillsConformance(bench: () => Bench): void {
  refills(bench)
  thresholds(bench)
}

function refills(bench: () => Bench): void {
  const refill = { amount: usd(2), every_ms: HOUR, max: usd(5) }
  const long = { cap: usd(2), refill, expiresAt: Date.parse('2027-06-27T12:00:00Z') }

  describe('a recurring budget', () => {
    it('grows by its amount with every period, up to what may remain, and not while nothing is due', async () => {
      const { id } = await bench().openSession(long)
      const cap = async () => (await bench().ledger.session(id))?.cap
      bench().clock.advance(HOUR - 1)
      expect(await cap()).toBe(usd(2))
      bench().clock.advance(1)
      expect(await cap()).toBe(usd(4))
      bench().clock.advance(100 * HOUR)
      expect(await cap()).toBe(usd(5))
    })

    it('pays from what has fallen due, and shows in every list', async () => {
      const { id } = await bench().openSession(long)
      await bench().sign(bench().make.request(id, usd(2)))
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('session_exhausted')
      bench().clock.advance(HOUR)
      expect((await bench().ledger.sessions({ limit: 10 })).items).toMatchObject([{ id, cap: usd(4) }])
      expect(await bench().verdict(bench().make.request(id, usd(2)))).toBe('reserved')
      expect(await bench().ledger.session(id)).toMatchObject({ cap: usd(4), held: usd(4), refills: 1 })
    })

    it('says who can top it up and when it grows by itself', async () => {
      const { id, createdAt } = await bench().openSession({ ...long, owner: 'finance' })
      const result = await bench().ledger.reserve(bench().make.request(id, usd(3)))
      if (result.kind !== 'refused') throw new Error(result.kind)
      expect(result.refusal).toMatchObject({
        code: 'spending_limit_exceeded',
        detail: expect.stringContaining('Its owner, finance, can top it up.'),
        remaining: usd(2),
        resetsAt: createdAt + HOUR,
      })
    })

    it('grants nothing twice when the clock steps back, nor after a restart', async () => {
      const { id } = await bench().openSession(long)
      await bench().sign(bench().make.request(id, usd(2)))
      bench().clock.advance(HOUR)
      await bench().sign(bench().make.request(id, usd(2)))
      bench().clock.advance(-HOUR)
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('session_exhausted')
      await bench().store.restart()
      bench().clock.advance(HOUR)
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('session_exhausted')
      bench().clock.advance(HOUR)
      expect(await bench().ledger.session(id)).toMatchObject({ cap: usd(6), refills: 2 })
    })

    it('keeps its rhythm over a top-up, and owes nothing for the time in which it had expired', async () => {
      const { id, createdAt } = await bench().openSession({ ...long, expiresAt: bench().clock.now() + 2 * HOUR })
      await bench().sign(bench().make.request(id, usd(2)))
      bench().clock.advance(HOUR + HOUR / 2)
      await bench().ledger.topUp(id, { amount: usd(1), extend_ms: 0 })
      expect(await bench().ledger.session(id)).toMatchObject({ cap: usd(5), refills: 1 })
      bench().clock.advance(10 * HOUR)
      await bench().ledger.topUp(id, { amount: 0n, extend_ms: 10 * HOUR })
      expect(await bench().ledger.session(id)).toMatchObject({ cap: usd(5) })
      bench().clock.advance(createdAt + 12 * HOUR - bench().clock.now())
      expect(await bench().ledger.session(id)).toMatchObject({ cap: usd(7), refills: 12 })
    })

    it('looks at what remained when it fell due, not at what was freed since', async () => {
      const { id } = await bench().openSession({ ...long, cap: usd(5) })
      const reservation = await bench().reserve(bench().make.request(id, usd(5)))
      bench().clock.advance(HOUR)
      await reservation.void(NEVER_SIGNED)
      expect(await bench().ledger.session(id)).toMatchObject({ cap: usd(7), held: 0n })
    })

    it('of a parent lets its children pay again', async () => {
      const parent = await bench().openSession(long)
      const child = await bench().openSession({ parent: parent.id, cap: usd(100), expiresAt: long.expiresAt })
      await bench().sign(bench().make.request(child.id, usd(2)))
      expect(await bench().verdict(bench().make.request(child.id, usd(1)))).toBe('session_exhausted')
      bench().clock.advance(HOUR)
      expect(await bench().verdict(bench().make.request(child.id, usd(1)))).toBe('reserved')
    })

    it('ends with its session', async () => {
      const { id } = await bench().openSession(long)
      bench().clock.advance(HOUR)
      await bench().ledger.close(id)
      bench().clock.advance(HOUR)
      expect(await bench().ledger.session(id)).toMatchObject({ cap: usd(4), status: 'closed' })
    })

    it('equals a budget that is refilled at every stroke, whatever is paid, freed and topped up between', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), (steps) => comparedWithModel(bench(), steps)),
        { numRuns: 40 },
      )
    })
  })
}

type Step = { readonly wait: number; readonly act: 'pay' | 'void' | 'topUp' | 'look'; readonly amount: number }

const step: fc.Arbitrary<Step> = fc.record({
  wait: fc.nat({ max: 5_000 }),
  act: fc.constantFrom('pay', 'pay', 'void', 'topUp', 'look'),
  amount: fc.integer({ min: 1, max: 4 }),
})

/** Refilled by an eager clock: one stroke after the other, as the contract says. */
async function comparedWithModel(bench: Bench, steps: readonly Step[]): Promise<void> {
  const refill = { amount: 3n, every_ms: 1_000, max: 7n }
  const { id, createdAt } = await bench.openSession({ cap: 5n, refill, expiresAt: bench.clock.now() + 1e9 })
  const model = { cap: 5n, held: 0n, spent: 0n, next: createdAt + 1_000 }
  const open: { amount: bigint; reservation: Awaited<ReturnType<Bench['sign']>> }[] = []
  for (const { wait, act, amount } of steps) {
    bench.clock.advance(wait)
    for (; model.next <= bench.clock.now(); model.next += 1_000) {
      const room = refill.max - (model.cap - model.held - model.spent)
      if (room > 0n) model.cap += room < refill.amount ? room : refill.amount
    }
    const one = BigInt(amount)
    if (act === 'pay') {
      const request = bench.make.request(id, one)
      const fits = one <= model.cap - model.held - model.spent
      const result = await bench.ledger.reserve(request)
      expect(result.kind).toBe(fits ? 'reserved' : 'refused')
      if (result.kind === 'reserved') open.push({ amount: one, reservation: result.reservation })
      if (fits) model.held += one
    } else if (act === 'topUp') {
      await bench.ledger.topUp(id, { amount: one, extend_ms: 0 })
      model.cap += one
    } else if (act === 'void') {
      const paid = open.shift()
      await paid?.reservation.void(NEVER_SIGNED)
      model.held -= paid?.amount ?? 0n
    }
    const { cap, held, spent } = model
    expect(await bench.ledger.session(id)).toMatchObject({ cap, held, spent })
  }
}

function thresholds(bench: () => Bench): void {
  const told = (id: string) => bench().told.filter((line) => line.startsWith(`${id} `))

  describe('thresholds of a budget', () => {
    it('are told once each when a payment passes them, for the session and each ancestor', async () => {
      const root = await bench().openSession({ cap: usd(100) })
      const child = await bench().openSession({ cap: usd(10), parent: root.id })
      const pay = async (dollars: number) => bench().sign(bench().make.request(child.id, usd(dollars)))
      await pay(4.99)
      expect([told(child.id), told(root.id)]).toEqual([[], []])
      await pay(0.01)
      expect(told(child.id)).toEqual([`${child.id} 50 %`])
      await pay(4.9)
      await pay(0.1)
      expect(told(child.id)).toEqual([`${child.id} 50 %`, `${child.id} 80 %`, `${child.id} 95 %`])
      await bench().ledger.topUp(child.id, { amount: usd(90), extend_ms: 0 })
      await pay(40)
      expect(told(root.id)).toEqual([`${root.id} 50 %`])
    })

    it('are not told again for what was freed and is held once more', async () => {
      const { id } = await bench().openSession({ cap: usd(10) })
      const first = await bench().sign(bench().make.request(id, usd(9)))
      await first.void(NEVER_SENT)
      for (const dollars of [6, 3]) await bench().sign(bench().make.request(id, usd(dollars)))
      expect(told(id)).toEqual([`${id} 50 %`, `${id} 80 %`])
    })

    it('are told again after a top-up or refill, and after a restart, where the budget had fallen below them', async () => {
      const refill = { amount: usd(10), every_ms: HOUR, max: usd(10) }
      const { id } = await bench().openSession({ cap: usd(10), refill, expiresAt: bench().clock.now() + 24 * HOUR })
      const pay = async (dollars: number) => bench().sign(bench().make.request(id, usd(dollars)))
      await pay(8)
      await bench().ledger.topUp(id, { amount: usd(4), extend_ms: 0 })
      await bench().store.restart()
      await pay(4)
      expect(told(id)).toEqual(['50', '80', '80'].map((percent) => `${id} ${percent} %`))
      bench().clock.advance(HOUR)
      await pay(8)
      expect(told(id)).toEqual(['50', '80', '80', '80'].map((percent) => `${id} ${percent} %`))
    })

    it('are not told of a payment that was refused, nor by money that is spent after it was held', async () => {
      const { id } = await bench().openSession({ cap: usd(10) })
      expect(await bench().verdict(bench().make.request(id, usd(11)))).toBe('spending_limit_exceeded')
      const held = await bench().sign(bench().make.request(id, usd(5)))
      await held.post(CLAIMED)
      expect(told(id)).toEqual([`${id} 50 %`])
    })
  })
}
