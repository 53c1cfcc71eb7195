/** What a ledger shows people who look over many payments at once. */
import { describe, expect, it } from 'vitest'
import type { SessionLimits } from '../../src/session/session.ts'
import { CLAIMED, COMPLETE, NETWORK, NEVER_SIGNED, OTHER_PAY_TO, PAY_TO, type RequestChanges, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

const MINUTE = 60_000

export function insightConformance(bench: () => Bench): void {
  activityConformance(bench)
  dealingsConformance(bench)
  limitUseConformance(bench)
  usedNoncesConformance(bench)
}

function activityConformance(bench: () => Bench): void {
  /** The last three minutes, as the clock stands. */
  const activity = () => {
    const until = (Math.floor(bench().clock.now() / MINUTE) + 1) * MINUTE
    return bench().ledger.insight.activity({ since: until - 3 * MINUTE, until, step_ms: MINUTE })
  }

  describe('activity', () => {
    it('adds up payments by the step in which they were decided, their tier, state and reason', async () => {
      const { id } = await bench().openSession()
      const begun = Math.floor(bench().clock.now() / MINUTE) * MINUTE
      const make = (dollars: number, changes: RequestChanges = {}) => bench().make.request(id, usd(dollars), changes)
      for (const dollars of [1, 2]) await (await bench().sign(make(dollars))).post(CLAIMED)
      await (await bench().reserve(make(4, { attempt: { tier: 'supervised' } }))).void(NEVER_SIGNED)
      bench().clock.advance(2 * MINUTE)
      await (await bench().sign(make(8))).leaveUnknown('no answer')
      const found = await activity()
      const named = { tier: 'autonomous', code: null, currency: 'USD' }
      expect([...found].sort((a, b) => a.at - b.at || a.count - b.count)).toEqual([
        { ...named, at: begun, state: 'void', tier: 'supervised', code: 'wallet_insufficient', count: 1, amount: usd(4) },
        { ...named, at: begun, state: 'settled', count: 2, amount: usd(3) },
        { ...named, at: begun + 2 * MINUTE, state: 'unknown', count: 1, amount: usd(8) },
      ])
    })

    it('counts identical refusals each, and not what a stranger asked for, however much', async () => {
      const { id } = await bench().openSession()
      const attempt = bench().make.request(id, 10n ** 60n).attempt
      for (let n = 0; n < 3; n += 1) await bench().ledger.refuse(attempt, { code: 'no_tier_matches', detail: 'No tier matches.' })
      expect(await activity()).toMatchObject([{ state: 'denied', code: 'no_tier_matches', count: 3, amount: 0n }])
    })

    it('shows nothing of what was decided before or after', async () => {
      const { id } = await bench().openSession()
      const begun = Math.floor(bench().clock.now() / MINUTE) * MINUTE
      await bench().reserve(bench().make.request(id, usd(1)))
      expect(await bench().ledger.insight.activity({ since: begun - MINUTE, until: begun, step_ms: MINUTE })).toEqual([])
      expect(await bench().ledger.insight.activity({ since: begun, until: begun + MINUTE, step_ms: MINUTE })).toHaveLength(1)
      bench().clock.advance(3 * MINUTE)
      expect(await activity()).toEqual([])
      const since = Math.floor(bench().clock.now() / MINUTE) * MINUTE - 9 * MINUTE
      expect(await bench().ledger.insight.activity({ since, until: since + 3 * MINUTE, step_ms: MINUTE })).toEqual([])
    })
  })
}

function dealingsConformance(bench: () => Bench): void {
  const origin = 'https://api.example.com'

  /** A payment that was served. */
  async function serve(changes: RequestChanges = {}): Promise<string> {
    const { id } = await bench().openSession()
    const request = bench().make.request(id, usd(1), changes)
    const reservation = await bench().sign(request)
    await reservation.post(CLAIMED)
    await reservation.delivered(COMPLETE)
    return request.paymentId
  }
  const at = (place: string) => ({ origin: place, host: new URL(place).host })

  describe('dealings', () => {
    it('are the recipients that agents paid and were served by, with the newest payment, whatever the case of the address', async () => {
      await serve()
      await serve({ attempt: { agent: 'second' }, terms: { payTo: PAY_TO.toLowerCase() } })
      const newest = await serve()
      await bench().sign(bench().make.request((await bench().openSession()).id, usd(1), { terms: { payTo: OTHER_PAY_TO } }))
      const { items, next } = await bench().ledger.insight.dealings({ limit: 10 })
      expect([items.length, next]).toEqual([1, null])
      expect(items[0]).toMatchObject({ origin, network: NETWORK, agents: 2, lastPaymentId: newest, pin: null })
      expect(items[0]?.payTo.toLowerCase()).toBe(PAY_TO.toLowerCase())
    })

    it('name who is pinned there, also before anything was served and beside another recipient', async () => {
      await bench().reserve(bench().make.request((await bench().openSession()).id, usd(1), { pin: true }))
      const pin = { payTo: PAY_TO, at: bench().clock.now(), uses: 1 }
      const pinned = { origin, network: NETWORK, payTo: PAY_TO, agents: 0, lastPaymentId: null, pin }
      expect((await bench().ledger.insight.dealings({ limit: 10 })).items).toEqual([pinned])
      const newest = await serve({ terms: { payTo: OTHER_PAY_TO } })
      expect((await bench().ledger.insight.dealings({ limit: 10 })).items).toEqual([
        { ...pinned, payTo: OTHER_PAY_TO, agents: 1, lastPaymentId: newest },
        pinned,
      ])
    })

    it('come page by page in the order of their origins, and one by one', async () => {
      const places = ['https://c.example', 'https://a.example:8443', 'https://b.example']
      for (const place of places) await serve({ attempt: at(place) })
      const first = await bench().ledger.insight.dealings({ limit: 2 })
      const second = await bench().ledger.insight.dealings({ limit: 2, cursor: first.next ?? '' })
      expect([...first.items, ...second.items].map((one) => one.origin)).toEqual(places.toSorted())
      expect(second.next).toBeNull()
      const place = { origin: 'https://b.example', network: NETWORK, payTo: PAY_TO.toLowerCase() }
      expect(await bench().ledger.insight.dealing(place)).toMatchObject({ origin: 'https://b.example', agents: 1 })
      expect(await bench().ledger.insight.dealing({ ...place, payTo: OTHER_PAY_TO })).toBeUndefined()
      await expect(bench().ledger.insight.dealings({ limit: 2, cursor: 'x' })).rejects.toThrow('request_invalid')
    })
  })
}

function limitUseConformance(bench: () => Bench): void {
  /** As rows of what is used of what, in short. */
  async function usesOf(id: string, task: string | null = null): Promise<(readonly [string, string | null, bigint, bigint | null])[]> {
    await bench().settled(id)
    const session = await bench().ledger.session(id)
    if (!session) throw new Error('no session')
    const uses = await bench().ledger.insight.limitUse({ session, task, now: bench().clock.now() })
    return uses.map(({ limit, of, max, used }) => [limit, of, max, used])
  }
  const open = async (limits: SessionLimits) => (await bench().openSession({ limits })).id

  describe('use of limits', () => {
    it('is what is spent or held of each one, of what is named and of what a star bounds, and nothing that was voided', async () => {
      const perRecipient = { 'api.example.com': usd(9), 'b.example': usd(8), '*': usd(7) }
      const id = await open({ perRecipient, perTool: { '*': usd(5) }, perCategory: { data: usd(6) }, perPayment: usd(4), payments: 9 })
      const categories = ['data']
      const make = (dollars: number, attempt: RequestChanges['attempt'] = {}) =>
        bench().make.request(id, usd(dollars), { attempt: { categories, tool: 'web', ...attempt } })
      await (await bench().sign(make(1))).post(CLAIMED)
      await bench().sign(make(2))
      await (await bench().reserve(make(0.5))).void(NEVER_SIGNED)
      await bench().sign(make(0.25, { host: 'c.example', origin: 'https://c.example', tool: 'maps' }))
      expect(await usesOf(id)).toEqual([
        ['perPayment', null, usd(4), null],
        ['payments', null, 9n, 3n],
        ['perRecipient', 'api.example.com', usd(9), usd(3)],
        ['perRecipient', 'b.example', usd(8), 0n],
        ['perRecipient', 'c.example', usd(7), usd(0.25)],
        ['perCategory', 'data', usd(6), usd(3.25)],
        ['perTool', 'web', usd(5), usd(3)],
        ['perTool', 'maps', usd(5), usd(0.25)],
      ])
    })

    it('leaves a window of time with the payments that leave it', async () => {
      const id = await open({ perWindow: [{ max: usd(5), per_ms: MINUTE }] })
      await bench().sign(bench().make.request(id, usd(2)))
      bench().clock.advance(40_000)
      await bench().sign(bench().make.request(id, usd(1)))
      expect(await usesOf(id)).toEqual([['perWindow', '1m', usd(5), usd(3)]])
      bench().clock.advance(30_000)
      expect(await usesOf(id)).toEqual([['perWindow', '1m', usd(5), usd(1)]])
    })

    it('is of the task that is asked about, or of payments that name none', async () => {
      const id = await open({ perTask: { payments: 3 } })
      for (const task of ['report', 'report', null]) await bench().sign(bench().make.request(id, usd(1), { attempt: { task } }))
      expect(await usesOf(id, 'report')).toEqual([['perTask', 'report', 3n, 2n]])
      expect(await usesOf(id)).toEqual([['perTask', null, 3n, 1n]])
    })

    it('is the session’s own, and nobody’s beside it', async () => {
      const limits = { perTool: { '*': usd(5) } }
      const [id, other] = [await open(limits), await open(limits)]
      await bench().sign(bench().make.request(other, usd(1), { attempt: { tool: 'web' } }))
      expect([await usesOf(id), await usesOf(other)]).toEqual([[], [['perTool', 'web', usd(5), usd(1)]]])
    })
  })
}

function usedNoncesConformance(bench: () => Bench): void {
  describe('used nonces', () => {
    it('are those that a payment has or had, whatever became of it', async () => {
      const { id } = await bench().openSession()
      const [held, freed, unused] = [1, 2, 3].map(() => bench().make.request(id, usd(1), { presigned: true }))
      if (!held || !freed || !unused) throw new Error('three were made')
      await bench().sign(held)
      await (await bench().reserve(freed)).void(NEVER_SIGNED)
      await bench().settled(id)
      const many = Array.from({ length: 2_500 }, (_, index): string => `0x${index.toString(16).padStart(64, '9')}`)
      const asked = [...many, held.nonce, unused.nonce, freed.nonce]
      const used = await bench().ledger.insight.usedNonces(asked)
      expect([...used].sort()).toEqual([held.nonce, freed.nonce].sort())
      expect(await bench().ledger.insight.usedNonces([])).toEqual([])
    })
  })
}
