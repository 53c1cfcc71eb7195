/** Caps and limits: no overspend, under any concurrency, for the session, its ancestors and each limit (G1, G7, R9). */
import { describe, expect, it } from 'vitest'
import type { SessionLimits } from '../../src/session/session.ts'
import { authorizationFor, CLAIMED, NEVER_SIGNED, OTHER_PAY_TO, PAY_TO, type RequestChanges, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

export function capsConformance(bench: () => Bench): void {
  describe('caps', () => {
    it('lets two of three parallel payments of $10 against $25 pay and refuses one, with the balance', async () => {
      const { id } = await bench().openSession({ cap: usd(25) })
      const results = await Promise.all([1, 2, 3].map(() => bench().ledger.reserve(bench().make.request(id, usd(10)))))
      expect(results.map(({ kind }) => kind)).toEqual(['reserved', 'reserved', 'refused'])
      const [, , last] = results
      expect(last).toMatchObject({
        refusal: {
          code: 'spending_limit_exceeded',
          sessionId: id,
          amount: usd(10),
          cap: usd(25),
          spent: 0n,
          held: usd(20),
          remaining: usd(5),
          currency: 'USD',
          tier: 'autonomous',
          rule: 'tiers.autonomous',
          paymentId: expect.stringMatching(/^pay_/),
        },
      })
    })

    it('grants exactly 50 of 200 parallel payments where the cap holds 50', async () => {
      const { id } = await bench().openSession({ cap: usd(5) })
      const verdicts = await Promise.all(Array.from({ length: 200 }, () => bench().verdict(bench().make.request(id, usd(0.1)))))
      expect(verdicts.filter((verdict) => verdict === 'reserved')).toHaveLength(50)
      expect(await bench().balance(id)).toEqual({ spent: 0n, held: usd(5), payments: 50 })
    })

    it('counts money that moved and money that may move alike', async () => {
      const { id } = await bench().openSession({ cap: usd(10) })
      const paid = await bench().sign(bench().make.request(id, usd(6)))
      await paid.post(CLAIMED)
      expect(await bench().verdict(bench().make.request(id, usd(5)))).toBe('spending_limit_exceeded')
      expect(await bench().verdict(bench().make.request(id, usd(4)))).toBe('reserved')
    })

    it('calls a session exhausted only when nothing remains', async () => {
      const { id } = await bench().openSession({ cap: usd(1) })
      expect(await bench().verdict(bench().make.request(id, usd(2)))).toBe('spending_limit_exceeded')
      await bench().reserve(bench().make.request(id, usd(1)))
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('session_exhausted')
    })

    it('refuses everything under a cap of zero', async () => {
      const { id } = await bench().openSession({ cap: 0n })
      expect(await bench().verdict(bench().make.request(id, 1n))).toBe('session_exhausted')
    })

    it.each([0n, -1n])('takes no payment of %s: that is a mistake of ours', async (amount) => {
      const { id } = await bench().openSession()
      await expect(bench().ledger.reserve(bench().make.request(id, amount))).rejects.toThrow('no positive amount')
    })

    it('takes no payment in another currency than the session counts in', async () => {
      const { id } = await bench().openSession()
      await expect(bench().ledger.reserve(bench().make.request(id, 1n, { terms: { currency: 'EUR' } }))).rejects.toThrow('EUR')
    })

    it('refuses prices that no 64 bits hold, and writes them down to the digit', async () => {
      const { id } = await bench().openSession()
      const result = await bench().ledger.reserve(bench().make.request(id, 2n ** 255n))
      expect(result).toMatchObject({ kind: 'refused', refusal: { code: 'spending_limit_exceeded', amount: 2n ** 255n } })
    })
  })

  describe('ancestors', () => {
    it('holds a child’s payment on every ancestor and frees it everywhere', async () => {
      const root = await bench().openSession({ cap: usd(10) })
      const middle = await bench().openSession({ cap: usd(8), parent: root.id })
      const leaf = await bench().openSession({ cap: usd(6), parent: middle.id })
      const [kept, dropped] = [
        await bench().sign(bench().make.request(leaf.id, usd(2))),
        await bench().reserve(bench().make.request(leaf.id, usd(1))),
      ]
      await kept.post(CLAIMED)
      for (const { id } of [root, middle, leaf]) expect(await bench().balance(id)).toEqual({ spent: usd(2), held: usd(1), payments: 2 })
      await dropped.void(NEVER_SIGNED)
      for (const { id } of [root, middle, leaf]) expect(await bench().balance(id)).toEqual({ spent: usd(2), held: 0n, payments: 1 })
    })

    it('never lets children together exceed their parent, and says whose budget it was', async () => {
      const parent = await bench().openSession({ cap: usd(10) })
      const [one, two] = [
        await bench().openSession({ cap: usd(8), parent: parent.id }),
        await bench().openSession({ cap: usd(8), parent: parent.id }),
      ]
      const results = await Promise.all([one, two].map(({ id }) => bench().ledger.reserve(bench().make.request(id, usd(6)))))
      expect(results.map(({ kind }) => kind)).toEqual(['reserved', 'refused'])
      const refusal = { code: 'spending_limit_exceeded', sessionId: two.id, remaining: usd(8), detail: expect.stringContaining(parent.id) }
      expect(results[1]).toMatchObject({ refusal })
    })

    it('applies the limits of ancestors to their descendants together', async () => {
      const parent = await bench().openSession({ limits: { perTool: { '*': usd(3) }, payments: 3 } })
      const [one, two] = [await bench().openSession({ parent: parent.id }), await bench().openSession({ parent: parent.id })]
      const search = { attempt: { tool: 'search' } }
      expect(await bench().verdict(bench().make.request(one.id, usd(2), search))).toBe('reserved')
      expect(await bench().verdict(bench().make.request(two.id, usd(2), search))).toBe('tool_limit_exceeded')
      expect(await bench().verdict(bench().make.request(two.id, usd(1), search))).toBe('reserved')
    })

    it.each(['close', 'revoke'] as const)('pays nothing for a child whose parent was ended by %s', async (how) => {
      const parent = await bench().openSession()
      const child = await bench().openSession({ parent: parent.id })
      await bench().ledger[how](parent.id)
      expect(await bench().verdict(bench().make.request(child.id, usd(1)))).toBe(how === 'close' ? 'session_closed' : 'session_revoked')
    })

    it('pays nothing for a child whose parent has expired', async () => {
      const parent = await bench().openSession({ expiresAt: bench().clock.now() + 1_000 })
      const child = await bench().openSession({ parent: parent.id })
      bench().clock.advance(1_000)
      expect(await bench().verdict(bench().make.request(child.id, usd(1)))).toBe('session_expired')
    })
  })

  describe('limits', () => {
    const elsewhere: RequestChanges = {
      attempt: { url: 'https://other.test/', origin: 'https://other.test', host: 'other.test' },
      terms: { payTo: OTHER_PAY_TO },
    }
    const tool = (name: string | null): RequestChanges => ({ attempt: { tool: name } })
    const user = (name: string | null): RequestChanges => ({ attempt: { user: name } })
    const categories = (...names: string[]): RequestChanges => ({ attempt: { categories: names } })

    interface Case {
      readonly guarantee: string
      readonly limits: SessionLimits
      readonly payments: readonly (readonly [dollars: number, changes: RequestChanges, verdict: string])[]
    }
    const cases: Case[] = [
      {
        guarantee: 'perPayment bounds each payment, not their sum',
        limits: { perPayment: usd(2) },
        payments: [
          [2, {}, 'reserved'],
          [2.01, {}, 'per_payment_limit_exceeded'],
          [2, {}, 'reserved'],
        ],
      },
      {
        guarantee: 'a perPayment of zero is zero',
        limits: { perPayment: 0n },
        payments: [[0.01, {}, 'per_payment_limit_exceeded']],
      },
      {
        guarantee: 'payments bounds their number',
        limits: { payments: 2 },
        payments: [
          [1, {}, 'reserved'],
          [1, {}, 'reserved'],
          [1, {}, 'payment_count_exceeded'],
        ],
      },
      {
        guarantee: 'perTask bounds the paid calls of each task, and requests that name none are one task',
        limits: { perTask: { payments: 2 } },
        payments: [
          [1, { attempt: { task: 'a' } }, 'reserved'],
          [1, { attempt: { task: 'a' } }, 'reserved'],
          [1, { attempt: { task: 'a' } }, 'step_budget_exceeded'],
          [1, { attempt: { task: 'b' } }, 'reserved'],
          [1, {}, 'reserved'],
          [1, {}, 'reserved'],
          [1, {}, 'step_budget_exceeded'],
        ],
      },
      {
        guarantee: 'a step budget of zero is zero, and one of requests alone bounds no payments',
        limits: { perTask: { payments: 0, requests: 1 } },
        payments: [[1, {}, 'step_budget_exceeded']],
      },
      { guarantee: 'no payments means none', limits: { payments: 0 }, payments: [[1, {}, 'payment_count_exceeded']] },
      {
        guarantee: 'a named host has its own bound, and * is the bound of each one not named',
        limits: { perRecipient: { 'api.example.com': usd(2), '*': usd(3) } },
        payments: [
          [2, {}, 'reserved'],
          [1, {}, 'recipient_limit_exceeded'],
          [3, elsewhere, 'reserved'],
          [1, elsewhere, 'recipient_limit_exceeded'],
        ],
      },
      {
        guarantee: 'a pattern is one bucket for all its hosts',
        limits: { perRecipient: { '*.example.com': usd(2) } },
        payments: [
          [1, {}, 'reserved'],
          [1, { attempt: { host: 'two.example.com', origin: 'https://two.example.com' } }, 'reserved'],
          [1, { attempt: { host: 'three.example.com', origin: 'https://three.example.com' } }, 'recipient_limit_exceeded'],
        ],
      },
      {
        guarantee: 'an address binds whatever host asks, in any spelling',
        limits: { perRecipient: { [PAY_TO.toLowerCase()]: usd(2), '*': usd(9) } },
        payments: [
          [2, {}, 'reserved'],
          [1, { attempt: { host: 'other.test', origin: 'https://other.test' } }, 'recipient_limit_exceeded'],
        ],
      },
      {
        guarantee: 'a host and an address that both name a payment both bind it',
        limits: { perRecipient: { 'api.example.com': usd(5), [PAY_TO]: usd(2) } },
        payments: [
          [3, {}, 'recipient_limit_exceeded'],
          [2, {}, 'reserved'],
        ],
      },
      {
        guarantee: '* binds the address too, so that many hosts of one recipient share a bound',
        limits: { perRecipient: { '*': usd(2) } },
        payments: [
          [2, {}, 'reserved'],
          [1, { attempt: { host: 'other.test', origin: 'https://other.test' } }, 'recipient_limit_exceeded'],
        ],
      },
      {
        guarantee: 'recipients that a map without * does not name are refused',
        limits: { perRecipient: { 'api.example.com': usd(2) } },
        payments: [
          [1, elsewhere, 'recipient_limit_exceeded'],
          [1, {}, 'reserved'],
        ],
      },
      { guarantee: 'an empty map refuses everything', limits: { perRecipient: {} }, payments: [[0.01, {}, 'recipient_limit_exceeded']] },
      {
        guarantee: 'each category of a payment is counted',
        limits: { perCategory: { search: usd(1), '*': usd(2) } },
        payments: [
          [1, categories('search', 'data'), 'reserved'],
          [0.5, categories('search'), 'category_limit_exceeded'],
          [1, categories('data'), 'reserved'],
          [0.5, categories('data'), 'category_limit_exceeded'],
        ],
      },
      {
        guarantee: 'a payment without category is none that is named',
        limits: { perCategory: { search: usd(1) } },
        payments: [
          [0.5, {}, 'category_limit_exceeded'],
          [0.5, categories('search'), 'reserved'],
        ],
      },
      {
        guarantee: 'a category of zero is zero',
        limits: { perCategory: { search: 0n, '*': usd(1) } },
        payments: [[0.01, categories('search'), 'category_limit_exceeded']],
      },
      {
        guarantee: 'tools have their bounds, and a request without a tool falls under *',
        limits: { perTool: { web_search: usd(1), '*': usd(2) } },
        payments: [
          [1, tool('web_search'), 'reserved'],
          [1, tool('web_search'), 'tool_limit_exceeded'],
          [2, tool(null), 'reserved'],
          [1, tool(null), 'tool_limit_exceeded'],
          [2, tool('*'), 'reserved'],
        ],
      },
      {
        guarantee: 'users have their bounds, and an unnamed one is refused without *',
        limits: { perUser: { ada: usd(1) } },
        payments: [
          [1, user('ada'), 'reserved'],
          [1, user('ada'), 'user_limit_exceeded'],
          [1, user('eve'), 'user_limit_exceeded'],
          [1, user(null), 'user_limit_exceeded'],
        ],
      },
      {
        guarantee: 'names that every object inherits are not named',
        limits: { perTool: { search: usd(1) } },
        payments: [
          [1, tool('constructor'), 'tool_limit_exceeded'],
          [1, tool('__proto__'), 'tool_limit_exceeded'],
        ],
      },
      {
        guarantee: 'an absent dimension adds no bound',
        limits: {},
        payments: [
          [9, tool('any'), 'reserved'],
          [9, user('any'), 'reserved'],
        ],
      },
    ]

    it.each(cases)('$guarantee', async ({ limits, payments }) => {
      const { id } = await bench().openSession({ cap: usd(100), limits })
      for (const [dollars, changes, verdict] of payments) {
        expect(await bench().verdict(bench().make.request(id, usd(dollars), changes))).toBe(verdict)
      }
    })

    it('a session for single use pays once', async () => {
      const { id } = await bench().openSession({ singleUse: true })
      const first = await bench().reserve(bench().make.request(id, usd(1)))
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('payment_count_exceeded')
      await first.void(NEVER_SIGNED)
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('reserved')
    })

    it('lets one of 50 parallel payments under a session for single use pay, and never another, whatever becomes of it', async () => {
      const { id } = await bench().openSession({ singleUse: true, cap: usd(100) })
      const requests = Array.from({ length: 50 }, () => bench().make.request(id, usd(1)))
      const results = await Promise.all(requests.map((request) => bench().ledger.reserve(request)))
      const [won, ...more] = results.flatMap((result) => (result.kind === 'reserved' ? [result.reservation] : []))
      expect([won?.paymentId, more]).toEqual([expect.any(String), []])
      expect(results.filter(({ kind }) => kind === 'refused')).toHaveLength(49)
      const [paying] = requests.filter(({ paymentId }) => paymentId === won?.paymentId)
      if (paying) await won?.record(authorizationFor(paying))
      await won?.leaveUnknown('nobody knows')
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('payment_count_exceeded')
      await won?.post(CLAIMED)
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('payment_count_exceeded')
    })

    it('counts the payments of children under a parent for single use together', async () => {
      const parent = await bench().openSession({ singleUse: true })
      const children = await Promise.all([1, 2].map(() => bench().openSession({ parent: parent.id, singleUse: true })))
      const verdicts = await Promise.all(children.map(({ id }) => bench().verdict(bench().make.request(id, usd(1)))))
      expect(verdicts.toSorted()).toEqual(['payment_count_exceeded', 'reserved'])
    })

    it('tells what payments of one wallet may still take, over all sessions and apart from other wallets and tokens', async () => {
      const { id } = await bench().openSession()
      const other = await bench().openSession()
      const request = bench().make.request(id, usd(2))
      const { network, asset, payer, amountAtomic } = request.attempt.terms
      const wallet = { network, token: asset.address, payer }
      const [first, second] = [await bench().sign(request), await bench().reserve(bench().make.request(other.id, usd(3)))]
      const foreign = { payer: `0x${'9'.repeat(40)}` }
      await bench().reserve(bench().make.request(id, usd(1), { terms: foreign }))
      expect(await bench().ledger.heldBy({ ...wallet, payer: payer.toLowerCase() })).toBe((amountAtomic * 5n) / 2n)
      expect(await bench().ledger.heldBy({ ...wallet, network: 'eip155:1' })).toBe(0n)
      expect(await bench().ledger.heldBy({ ...wallet, method: 'permit2' })).toBe(0n)
      const permit = await bench().reserve(bench().make.request(id, usd(2), { terms: { method: 'permit2' } }))
      expect(await bench().ledger.heldBy({ ...wallet, method: 'permit2' })).toBe(amountAtomic)
      expect(await bench().ledger.heldBy(wallet)).toBe((amountAtomic * 7n) / 2n)
      await permit.void(NEVER_SIGNED)
      expect(await bench().ledger.heldBy({ ...wallet, method: 'permit2' })).toBe(0n)
      await first.leaveUnknown('nobody knows')
      await second.void(NEVER_SIGNED)
      expect(await bench().ledger.heldBy(wallet)).toBe(amountAtomic)
      await first.post(CLAIMED)
      expect(await bench().ledger.heldBy(wallet)).toBe(0n)
    })

    it('gives back everything that a voided payment counted for', async () => {
      const limits = {
        payments: 1,
        perRecipient: { '*': usd(1) },
        perCategory: { search: usd(1) },
        perTool: { '*': usd(1) },
        perUser: { ada: usd(1) },
        perWindow: [{ max: usd(1), per_ms: 60_000 }],
      }
      const { id } = await bench().openSession({ limits })
      const changes = { attempt: { categories: ['search'], tool: 'web', user: 'ada' } }
      const first = await bench().reserve(bench().make.request(id, usd(1), changes))
      await first.void(NEVER_SIGNED)
      expect(await bench().verdict(bench().make.request(id, usd(1), changes))).toBe('reserved')
    })

    it('refuses what a window has no room for, says when it will, and then it does', async () => {
      const { id } = await bench().openSession({ limits: { perWindow: [{ max: usd(3), per_ms: 600_000 }] } })
      const began = bench().clock.now()
      await bench().reserve(bench().make.request(id, usd(1)))
      bench().clock.advance(60_000)
      await bench().reserve(bench().make.request(id, usd(2)))
      bench().clock.advance(60_000)
      const refused = await bench().ledger.reserve(bench().make.request(id, usd(2)))
      expect(refused).toMatchObject({ kind: 'refused', refusal: { code: 'window_limit_exceeded', resetsAt: began + 660_000 } })
      expect(await bench().ledger.reserve(bench().make.request(id, usd(1)))).toMatchObject({ refusal: { resetsAt: began + 600_000 } })
      bench().clock.advance(480_000 - 1)
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('window_limit_exceeded')
      bench().clock.advance(1)
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('reserved')
    })

    it('counts to the last millionth', async () => {
      const { id } = await bench().openSession({ limits: { perWindow: [{ max: 10n, per_ms: 1_000 }], perTool: { '*': 11n } } })
      expect(await bench().verdict(bench().make.request(id, 11n))).toBe('window_limit_exceeded')
      expect(await bench().verdict(bench().make.request(id, 10n))).toBe('reserved')
      bench().clock.advance(1_000)
      expect(await bench().verdict(bench().make.request(id, 2n))).toBe('tool_limit_exceeded')
      expect(await bench().verdict(bench().make.request(id, 1n))).toBe('reserved')
    })

    it('leaves resetsAt out where waiting does not help', async () => {
      const { id } = await bench().openSession({ limits: { perWindow: [{ max: usd(1), per_ms: 600_000 }] } })
      const result = await bench().ledger.reserve(bench().make.request(id, usd(2)))
      expect(result.kind === 'refused' && 'resetsAt' in result.refusal).toBe(false)
    })

    it('keeps what moved in the window until it leaves it', async () => {
      const { id } = await bench().openSession({ limits: { perWindow: [{ max: usd(1), per_ms: 600_000 }] } })
      const paid = await bench().sign(bench().make.request(id, usd(1)))
      await paid.post(CLAIMED)
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('window_limit_exceeded')
    })

    it('holds every limit exactly under concurrency', async () => {
      const { id } = await bench().openSession({ limits: { perTool: { '*': usd(3) }, perWindow: [{ max: usd(2), per_ms: 1_000 }] } })
      const verdicts = await Promise.all(Array.from({ length: 20 }, () => bench().verdict(bench().make.request(id, usd(1), tool('t')))))
      expect(verdicts.filter((verdict) => verdict === 'reserved')).toHaveLength(2)
      bench().clock.advance(1_000)
      const later = await Promise.all(Array.from({ length: 20 }, () => bench().verdict(bench().make.request(id, usd(1), tool('t')))))
      expect(later.filter((verdict) => verdict === 'reserved')).toHaveLength(1)
      expect(later).toContain('tool_limit_exceeded')
    })
  })

  describe('step budgets', () => {
    const inTask: RequestChanges = { attempt: { task: 'report' } }

    it('grant exactly as many of parallel payments as the task may make, over all children', async () => {
      const limits: SessionLimits = { perTask: { payments: 5 } }
      const parent = await bench().openSession({ limits })
      const children = await Promise.all([1, 2].map(() => bench().openSession({ parent: parent.id, limits })))
      const asked = Array.from({ length: 20 }, (_, at) => bench().make.request(children[at % 2]?.id ?? '', usd(0.1), inTask))
      const verdicts = await Promise.all(asked.map((request) => bench().verdict(request)))
      expect(verdicts.filter((verdict) => verdict === 'reserved')).toHaveLength(5)
      expect(new Set(verdicts)).toEqual(new Set(['reserved', 'step_budget_exceeded']))
    })

    it('get a step back when its payment is voided, and none by time', async () => {
      const { id } = await bench().openSession({ limits: { perTask: { payments: 1 } } })
      const step = await bench().reserve(bench().make.request(id, usd(1), inTask))
      bench().clock.advance(3_500_000)
      expect(await bench().verdict(bench().make.request(id, usd(1), inTask))).toBe('step_budget_exceeded')
      await step.void(NEVER_SIGNED)
      expect(await bench().verdict(bench().make.request(id, usd(1), inTask))).toBe('reserved')
    })
  })

  describe('what decisions rest on', () => {
    const tier = { tier: 'autonomous', max: 2, per_ms: 60_000 }

    it('counts a tier’s payments again and asks for a new decision beyond them', async () => {
      const { id } = await bench().openSession()
      const results = await Promise.all([1, 2, 3].map(() => bench().ledger.reserve(bench().make.request(id, usd(1), { frequency: tier }))))
      expect(results.map(({ kind }) => kind)).toEqual(['reserved', 'reserved', 'decide_again'])
      expect(results[2]).toMatchObject({ why: 'Tier autonomous has its 2 payments in 60 s by now.' })
      expect(await bench().balance(id)).toMatchObject({ payments: 2 })
      bench().clock.advance(60_000)
      expect(await bench().verdict(bench().make.request(id, usd(1), { frequency: tier }))).toBe('reserved')
    })

    it('counts frequency for the agent over all its sessions, for no other agent or tier, and not what was voided', async () => {
      const [one, two] = [await bench().openSession(), await bench().openSession()]
      const dropped = await bench().reserve(bench().make.request(one.id, usd(1)))
      await dropped.void(NEVER_SIGNED)
      await bench().reserve(bench().make.request(one.id, usd(1)))
      await bench().reserve(bench().make.request(two.id, usd(1)))
      await bench().reserve(bench().make.request(two.id, usd(1), { attempt: { agent: 'other' } }))
      await bench().reserve(bench().make.request(two.id, usd(1), { attempt: { tier: 'supervised' } }))
      const ask = {
        agent: 'researcher',
        sessionId: one.id,
        origin: 'https://api.example.com',
        network: 'eip155:84532',
        payTo: PAY_TO,
      }
      const { frequency } = await bench().ledger.history({ ...ask, tiers: [tier, { ...tier, tier: 'none' }] })
      expect(frequency).toEqual({ autonomous: { count: 2, oldestAt: bench().clock.now() }, none: { count: 0, oldestAt: undefined } })
      expect(await bench().verdict(bench().make.request(one.id, usd(1), { frequency: tier }))).toBe('decide_again')
    })

    it('pins the recipient of an origin’s first payment and asks again for another one', async () => {
      const { id } = await bench().openSession()
      const other = { terms: { payTo: OTHER_PAY_TO } }
      const [first, second] = await Promise.all([
        bench().ledger.reserve(bench().make.request(id, usd(1), { pin: true })),
        bench().ledger.reserve(bench().make.request(id, usd(1), { pin: true, ...other })),
      ])
      expect([first?.kind, second?.kind]).toEqual(['reserved', 'decide_again'])
      expect(await bench().verdict(bench().make.request(id, usd(1), { pin: true, terms: { payTo: PAY_TO.toLowerCase() } }))).toBe(
        'reserved',
      )
      expect(await bench().verdict(bench().make.request(id, usd(1), other))).toBe('reserved')
    })

    it('pins by origin: what another port of the host asks for pins another', async () => {
      const { id } = await bench().openSession()
      const beside = { attempt: { origin: 'https://api.example.com:8443' }, terms: { payTo: OTHER_PAY_TO } }
      expect(await bench().verdict(bench().make.request(id, usd(1), { pin: true }))).toBe('reserved')
      expect(await bench().verdict(bench().make.request(id, usd(1), { pin: true, ...beside }))).toBe('reserved')
    })

    it('forgets a pin with the last payment that made it, if that was voided', async () => {
      const { id } = await bench().openSession()
      const reservePinned = async (payTo = PAY_TO) =>
        bench().ledger.reserve(bench().make.request(id, usd(1), { pin: true, terms: { payTo } }))
      const [first, second] = [await reservePinned(), await reservePinned()]
      if (first.kind !== 'reserved' || second.kind !== 'reserved') throw new Error('nothing was reserved')
      await first.reservation.void(NEVER_SIGNED)
      expect((await reservePinned(OTHER_PAY_TO)).kind).toBe('decide_again')
      await second.reservation.void(NEVER_SIGNED)
      expect((await reservePinned(OTHER_PAY_TO)).kind).toBe('reserved')
      expect((await reservePinned()).kind).toBe('decide_again')
    })
  })
}
