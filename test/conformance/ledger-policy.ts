/** What a ledger knows for the policy: how often was paid in a tier, as its frequency counts, and what things cost before. */
import { describe, expect, it } from 'vitest'
import type { FrequencyOf } from '../../src/session/history.ts'
import { CLAIMED, NEVER_SIGNED, OTHER_PAY_TO, PAY_TO, type RequestChanges, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

export function policyConformance(bench: () => Bench): void {
  frequencyConformance(bench)
  priceConformance(bench)
}

function frequencyConformance(bench: () => Bench): void {
  const bound = (of: FrequencyOf) => ({ tier: 'autonomous', max: 2, per_ms: 60_000, of })
  const other = { agent: 'other' }

  describe('frequency of a session, a recipient or a tier', () => {
    /** What two payments leave of a bound of two, for a third that differs so. */
    async function third(of: FrequencyOf, changes: RequestChanges, elsewhere = false): Promise<string> {
      const { id } = await bench().openSession()
      const frequency = bound(of)
      for (const attempt of [{}, {}]) await bench().reserve(bench().make.request(id, usd(1), { frequency, attempt }))
      const session = elsewhere ? (await bench().openSession()).id : id
      return bench().verdict(bench().make.request(session, usd(1), { ...changes, frequency }))
    }

    it.each<[FrequencyOf, string, RequestChanges, boolean]>([
      ['session', 'the same session', {}, false],
      ['session', 'the same session, whatever the recipient', { terms: { payTo: OTHER_PAY_TO } }, false],
      ['recipient', 'the same recipient', {}, false],
      [
        'recipient',
        'the same recipient in other letters, from another agent and session',
        { attempt: other, terms: { payTo: PAY_TO.toLowerCase() } },
        true,
      ],
      ['tier', 'the same tier, whoever pays whom', { attempt: other, terms: { payTo: OTHER_PAY_TO } }, true],
    ])('of %s counts %s', async (of, _, changes, elsewhere) => {
      expect(await third(of, changes, elsewhere)).toBe('decide_again')
    })

    it.each<[FrequencyOf, string, RequestChanges, boolean]>([
      ['session', 'another session of the agent', {}, true],
      ['recipient', 'another recipient', { terms: { payTo: OTHER_PAY_TO } }, false],
    ])('of %s does not count %s', async (of, _, changes, elsewhere) => {
      expect(await third(of, changes, elsewhere)).toBe('reserved')
    })

    it.each<FrequencyOf>(['agent', 'session', 'recipient', 'tier'])(
      'of %s lets as many pay at once as it allows, and no more',
      async (of) => {
        const { id } = await bench().openSession()
        const requests = Array.from({ length: 8 }, () => bench().make.request(id, usd(1), { frequency: bound(of) }))
        const results = await Promise.all(requests.map((request) => bench().verdict(request)))
        expect(results.filter((kind) => kind === 'reserved')).toHaveLength(2)
        expect(results.filter((kind) => kind === 'decide_again')).toHaveLength(6)
      },
    )

    it('does not count what was voided, and forgets what left its window', async () => {
      const { id } = await bench().openSession()
      const request = () => bench().make.request(id, usd(1), { frequency: bound('recipient') })
      await (await bench().reserve(request())).void(NEVER_SIGNED)
      await bench().reserve(request())
      await bench().reserve(request())
      expect(await bench().verdict(request())).toBe('decide_again')
      bench().clock.advance(60_000)
      expect(await bench().verdict(request())).toBe('reserved')
    })

    it('tells the policy what it counts', async () => {
      const { id } = await bench().openSession()
      await bench().reserve(bench().make.request(id, usd(1), { frequency: bound('session') }))
      const query = { agent: 'researcher', sessionId: id, origin: '', network: '', payTo: PAY_TO }
      const asked = async (sessionId: string, of: FrequencyOf) =>
        (await bench().ledger.history({ ...query, sessionId, tiers: [bound(of)] })).frequency.autonomous
      expect(await asked(id, 'session')).toEqual({ count: 1, oldestAt: bench().clock.now() })
      expect(await asked('ses_other', 'session')).toEqual({ count: 0, oldestAt: undefined })
      expect(await asked('ses_other', 'agent')).toMatchObject({ count: 1 })
    })
  })
}

function priceConformance(bench: () => Bench): void {
  const query = {
    agent: 'researcher',
    sessionId: 'ses_any',
    origin: 'https://api.example.com',
    network: '',
    payTo: PAY_TO,
    tiers: [],
  }
  const price = { method: 'GET', path: '/orders/1', currency: 'USD', over_ms: 1_000_000 }
  const prices = async (over: Partial<typeof price> = {}, agent = 'researcher') =>
    (await bench().ledger.history({ ...query, agent, price: { ...price, ...over } })).prices

  /** A settled payment for an order of this number. */
  async function buy(session: string, cents: number, changes: RequestChanges = {}): Promise<void> {
    const url = `https://api.example.com/orders/${cents}?x=1`
    const request = bench().make.request(session, usd(cents / 100), { ...changes, attempt: { url, ...changes.attempt } })
    await (await bench().sign(request)).post(CLAIMED)
    bench().clock.advance(1_000)
  }

  describe('past prices', () => {
    it('are those that the agent settled for the same kind of resource: the newest, and the oldest within the span', async () => {
      const { id } = await bench().openSession()
      for (const cents of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) await buy(id, cents)
      expect(await prices()).toEqual({
        latest: [12, 11, 10, 9, 8, 7, 6, 5, 4, 3].map((cents) => usd(cents / 100)),
        earliest: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((cents) => usd(cents / 100)),
      })
      expect((await prices({ over_ms: 2_500 }))?.earliest).toEqual([usd(0.11), usd(0.12)])
    })

    it('are no other agent’s, method’s, path’s or currency’s, and not asked for by themselves', async () => {
      const { id } = await bench().openSession()
      await buy(id, 1)
      const none = { latest: [], earliest: [] }
      expect(await prices()).toEqual({ latest: [usd(0.01)], earliest: [usd(0.01)] })
      expect(await prices({}, 'other')).toEqual(none)
      for (const over of [{ method: 'POST' }, { path: '/invoices/1' }, { currency: 'EUR' }]) expect(await prices(over)).toEqual(none)
      expect((await bench().ledger.history(query)).prices).toBeUndefined()
    })

    it('leave out what did not settle, and what was voided after all', async () => {
      const { id } = await bench().openSession()
      const url = 'https://api.example.com/orders/7'
      const reservation = await bench().sign(bench().make.request(id, usd(1), { attempt: { url } }))
      expect(await prices()).toEqual({ latest: [], earliest: [] })
      await reservation.leaveUnknown('why')
      expect(await prices()).toEqual({ latest: [], earliest: [] })
    })
  })
}
