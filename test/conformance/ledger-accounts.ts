/** Sessions, the kill switch, admin tokens and totals (R10, R11, R12). */
import { describe, expect, it, vi } from 'vitest'
import type { Halt } from '../../src/ledger/administration.ts'
import { MAX_CAP, MAX_SESSION_DEPTH, MAX_TTL_MS } from '../../src/limits.ts'
import { authorizationFor, CLAIMED, COMPLETE, NEVER_SENT, PAY_TO, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

export function accountsConformance(bench: () => Bench): void {
  sessionsConformance(bench)
  endingConformance(bench)
  operatorsConformance(bench)
}

function sessionsConformance(bench: () => Bench): void {
  describe('sessions', () => {
    it('keeps a session as it was opened, for finding by id, name and token', async () => {
      const asked = bench().make.session({
        name: 'default',
        limits: {
          perPayment: usd(5),
          payments: 500,
          perRecipient: { '*': usd(10), 'api.example.com': 0n },
          perCategory: {},
          perWindow: [{ max: usd(5), per_ms: 600_000 }],
        },
        scope: { hosts: ['*.example.com'], methods: [], onDrift: 'deny' },
        wallet: 'second',
        singleUse: true,
        labels: { costCentre: 'R-12' },
        refill: { amount: usd(1), every_ms: 3_600_000, max: usd(25) },
      })
      const { tokenHash, ...kept } = asked
      const expected = { ...kept, spent: 0n, held: 0n, payments: 0, refills: 0, status: 'open' }
      expect(await bench().ledger.openSession(asked)).toEqual(expected)
      expect(await bench().ledger.session(asked.id)).toEqual(expected)
      expect(await bench().ledger.sessionByName('default')).toEqual(expected)
      expect(await bench().ledger.sessionByToken(tokenHash)).toEqual(expected)
      await bench().store.restart()
      expect(await bench().ledger.sessionByName('default')).toEqual(expected)
    })

    it('finds nothing where there is nothing', async () => {
      expect(await bench().ledger.session('ses_none')).toBeUndefined()
      expect(await bench().ledger.sessionByName('none')).toBeUndefined()
      expect(await bench().ledger.sessionByToken('none')).toBeUndefined()
      await expect(bench().ledger.reserve(bench().make.request('ses_none', usd(1)))).rejects.toMatchObject({
        refusal: { code: 'not_found' },
      })
    })

    it('opens one session for one key, and refuses the key for another request', async () => {
      const key = { key: 'k1', digest: 'd1' }
      const first = await bench().ledger.openSession(bench().make.session(), key)
      expect(await bench().ledger.openSession(bench().make.session(), key)).toEqual(first)
      const other = bench().ledger.openSession(bench().make.session(), { key: 'k1', digest: 'd2' })
      await expect(other).rejects.toMatchObject({ refusal: { code: 'conflict' } })
      const topUp = bench().ledger.topUp(first.id, { amount: usd(1), extend_ms: 0 }, key)
      await expect(topUp).rejects.toMatchObject({ refusal: { code: 'conflict' } })
    })

    it('finds what was opened under a key, whatever has become of it', async () => {
      const key = { key: 'k', digest: 'd' }
      expect(await bench().ledger.openedWith(key)).toBeUndefined()
      const { id } = await bench().ledger.openSession(bench().make.session(), key)
      await bench().ledger.revoke(id)
      expect(await bench().ledger.openedWith(key)).toMatchObject({ id, status: 'revoked' })
      await expect(bench().ledger.openedWith({ ...key, digest: 'other' })).rejects.toMatchObject({ refusal: { code: 'conflict' } })
    })

    it('lists the direct children of a session alone', async () => {
      const parent = await bench().openSession()
      const children = [await bench().openSession({ parent: parent.id }), await bench().openSession({ parent: parent.id })]
      await bench().openSession({ parent: children[0]?.id ?? '' })
      await bench().openSession()
      const list = async (id: string) => (await bench().ledger.sessions({ limit: 10 }, { parent: id })).items.map((one) => one.id)
      expect(await list(parent.id)).toEqual([children[1]?.id, children[0]?.id])
      expect(await list('ses_none')).toEqual([])
    })

    it('opens one session for one key in parallel too', async () => {
      const opened = await Promise.all([1, 2, 3].map(() => bench().ledger.openSession(bench().make.session(), { key: 'k', digest: 'd' })))
      expect(new Set(opened.map(({ id }) => id)).size).toBe(1)
    })

    it.each([
      ['a name that is taken', { name: 'taken' }, 'conflict'],
      ['a parent that does not exist', { parent: 'ses_none' }, 'not_found'],
      ['a negative cap', { cap: -1n }, 'request_invalid'],
      ['a cap beyond what is counted safely', { cap: MAX_CAP + 1n }, 'request_invalid'],
    ] as const)('refuses %s', async (_, changes, code) => {
      await bench().openSession({ name: 'taken' })
      await expect(bench().openSession(changes)).rejects.toMatchObject({ refusal: { code } })
    })

    it('refuses a child of another currency, of an ended parent, or nested too deep', async () => {
      const { id } = await bench().openSession()
      await expect(bench().openSession({ parent: id, currency: 'EUR' })).rejects.toMatchObject({ refusal: { code: 'conflict' } })
      await bench().ledger.close(id)
      await expect(bench().openSession({ parent: id })).rejects.toMatchObject({ refusal: { code: 'conflict' } })
      let parent = (await bench().openSession()).id
      for (let depth = 1; depth < MAX_SESSION_DEPTH; depth++) parent = (await bench().openSession({ parent })).id
      await expect(bench().openSession({ parent })).rejects.toMatchObject({ refusal: { code: 'conflict' } })
    })

    it('lists sessions newest first, page by page, each once', async () => {
      const opened: string[] = []
      for (let count = 0; count < 5; count++) opened.unshift((await bench().openSession()).id)
      const listed: string[] = []
      let cursor: string | undefined
      do {
        const page = await bench().ledger.sessions(cursor === undefined ? { limit: 2 } : { limit: 2, cursor })
        listed.push(...page.items.map(({ id }) => id))
        cursor = page.next ?? undefined
      } while (cursor !== undefined)
      expect(listed).toEqual(opened)
    })

    it.each([{ limit: 0 }, { limit: 1.5 }, { limit: 2, cursor: 'nonsense' }])('refuses the page %j', async (page) => {
      await expect(bench().ledger.sessions(page)).rejects.toMatchObject({ refusal: { code: 'request_invalid' } })
    })
  })

  describe('top-up', () => {
    it('adds to cap and lifetime, once for a key', async () => {
      const { id, expiresAt } = await bench().openSession({ cap: usd(1) })
      const key = { key: 'k', digest: 'd' }
      const after = { cap: usd(3), expiresAt: expiresAt + 60_000 }
      expect(await bench().ledger.topUp(id, { amount: usd(2), extend_ms: 60_000 }, key)).toMatchObject(after)
      expect(await bench().ledger.topUp(id, { amount: usd(2), extend_ms: 60_000 }, key)).toMatchObject(after)
      expect(await bench().ledger.session(id)).toMatchObject(after)
    })

    it('lets an exhausted session pay again', async () => {
      const { id } = await bench().openSession({ cap: usd(1) })
      await bench().reserve(bench().make.request(id, usd(1)))
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('session_exhausted')
      await bench().ledger.topUp(id, { amount: usd(1), extend_ms: 0 })
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('reserved')
    })

    it('extends an expired session from now on', async () => {
      const { id } = await bench().openSession()
      bench().clock.advance(10 * 3_600_000)
      const { expiresAt } = await bench().ledger.topUp(id, { amount: 0n, extend_ms: 60_000 })
      expect(expiresAt).toBe(bench().clock.now() + 60_000)
    })

    it.each([
      ['takes nothing away', { amount: -1n, extend_ms: 0 }, 'request_invalid'],
      ['shortens nothing', { amount: 0n, extend_ms: -1 }, 'request_invalid'],
      ['does not pass the largest cap', { amount: MAX_CAP, extend_ms: 0 }, 'request_invalid'],
      ['does not pass the longest lifetime', { amount: 0n, extend_ms: MAX_TTL_MS }, 'request_invalid'],
    ] as const)('%s', async (_, by, code) => {
      const { id } = await bench().openSession()
      await expect(bench().ledger.topUp(id, by)).rejects.toMatchObject({ refusal: { code } })
    })

    it.each(['close', 'revoke'] as const)('is refused after %s, and for nobody', async (how) => {
      const { id } = await bench().openSession()
      await bench().ledger[how](id)
      await expect(bench().ledger.topUp(id, { amount: 1n, extend_ms: 0 })).rejects.toMatchObject({ refusal: { code: 'conflict' } })
      await expect(bench().ledger.topUp('none', { amount: 1n, extend_ms: 0 })).rejects.toMatchObject({ refusal: { code: 'not_found' } })
    })
  })
}

function endingConformance(bench: () => Bench): void {
  describe('ending a session', () => {
    it('closing stops payments, keeps what is held, and may be repeated', async () => {
      const { id } = await bench().openSession()
      const signed = await bench().sign(bench().make.request(id, usd(1)))
      expect(await bench().ledger.close(id)).toMatchObject({ status: 'closed', held: usd(1) })
      expect(await bench().ledger.close(id)).toMatchObject({ status: 'closed', held: usd(1) })
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('session_closed')
      await signed.post(CLAIMED)
      expect(await bench().ledger.session(id)).toMatchObject({ status: 'closed', spent: usd(1), held: 0n })
    })

    it.each([
      ['close', 'session_closed'],
      ['revoke', 'session_revoked'],
    ] as const)('%s frees what was never signed in the whole subtree, and nothing can be signed for it any more', async (how, code) => {
      const root = await bench().openSession()
      const child = await bench().openSession({ parent: root.id })
      const [left, running, signed] = [
        bench().make.request(root.id, usd(1)),
        bench().make.request(child.id, usd(2)),
        bench().make.request(child.id, usd(4)),
      ]
      const [reservation, other] = [await bench().reserve(left), await bench().reserve(running)]
      await bench().sign(signed)
      await bench().ledger[how](root.id)
      expect(await reservation.payment()).toMatchObject({ state: 'void' })
      expect(await other.payment()).toMatchObject({ state: 'void' })
      await expect(other.record(authorizationFor(running))).rejects.toMatchObject({ refusal: { code } })
      await other.void(NEVER_SENT)
      expect(await bench().balance(root.id)).toEqual({ spent: 0n, held: usd(4), payments: 1 })
      expect(await bench().balance(child.id)).toEqual({ spent: 0n, held: usd(4), payments: 1 })
    })

    it('closing stops the children of the session, and says whose end it was', async () => {
      const root = await bench().openSession()
      const child = await bench().openSession({ parent: root.id })
      await bench().ledger.close(root.id)
      const result = await bench().ledger.reserve(bench().make.request(child.id, usd(1)))
      if (result.kind !== 'refused') throw new Error(result.kind)
      expect(result.refusal).toMatchObject({ code: 'session_closed', detail: expect.stringContaining(`ancestor of session ${child.id}`) })
      await expect(bench().openSession({ parent: child.id })).rejects.toMatchObject({ refusal: { code: 'conflict' } })
    })

    it('nothing is signed once the session has expired', async () => {
      const { id, expiresAt } = await bench().openSession()
      const request = bench().make.request(id, usd(1))
      const reservation = await bench().reserve(request)
      bench().clock.advance(expiresAt - bench().clock.now())
      await expect(reservation.record(authorizationFor(request))).rejects.toMatchObject({ refusal: { code: 'session_expired' } })
      expect(await reservation.payment()).toMatchObject({ state: 'reserved', signedAt: null })
    })

    it('is told to whoever watches, once for each session that it ended', async () => {
      const root = await bench().openSession()
      const [child, gone] = [await bench().openSession({ parent: root.id }), await bench().openSession({ parent: root.id })]
      await bench().ledger.revoke(gone.id)
      const { told, stop } = bench().watch()
      await bench().ledger.revoke(root.id)
      await bench().ledger.revoke(root.id)
      const ended = (id: string) => told().filter((change) => change.kind === 'session_ended' && change.sessionId === id).length
      await expect.poll(() => [ended(child.id), ended(root.id)]).toEqual([1, 1])
      stop()
    })

    it('revoking covers all descendants, and a revoked session stays revoked', async () => {
      const root = await bench().openSession()
      const child = await bench().openSession({ parent: root.id })
      const grandchild = await bench().openSession({ parent: child.id })
      expect(await bench().ledger.revoke(root.id)).toMatchObject({ status: 'revoked' })
      for (const { id } of [child, grandchild]) expect(await bench().ledger.session(id)).toMatchObject({ status: 'revoked' })
      expect(await bench().ledger.close(child.id)).toMatchObject({ status: 'revoked' })
      expect(await bench().verdict(bench().make.request(grandchild.id, usd(1)))).toBe('session_revoked')
    })

    it('an expired session pays nothing', async () => {
      const { id, expiresAt } = await bench().openSession()
      bench().clock.advance(expiresAt - bench().clock.now() - 1)
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('reserved')
      bench().clock.advance(1)
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('session_expired')
    })

    it.each(['close', 'revoke'] as const)('%s names a session that does not exist', async (how) => {
      await expect(bench().ledger[how]('ses_none')).rejects.toMatchObject({ refusal: { code: 'not_found' } })
    })
  })
}

function operatorsConformance(bench: () => Bench): void {
  describe('the kill switch', () => {
    it.each([
      ['all', ''],
      ['agent', 'researcher'],
      ['recipient', PAY_TO.toLowerCase()],
      ['recipient', '*.example.com'],
    ] as const)('a halt of %s %s stops payments until it is lifted', async (scope, value) => {
      const { id } = await bench().openSession()
      const halt: Halt = { scope, value, reason: 'drill', at: bench().clock.now() }
      await bench().ledger.halt(halt)
      expect(await bench().ledger.halts()).toEqual([halt])
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('payments_halted')
      await bench().ledger.resumePayments({ scope, value })
      expect(await bench().ledger.halts()).toEqual([])
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('reserved')
    })

    it('a halted session stops its descendants and nobody else', async () => {
      const [root, stranger] = [await bench().openSession(), await bench().openSession()]
      const child = await bench().openSession({ parent: root.id })
      await bench().ledger.halt({ scope: 'session', value: root.id, reason: 'drill', at: bench().clock.now() })
      expect(await bench().verdict(bench().make.request(child.id, usd(1)))).toBe('payments_halted')
      expect(await bench().verdict(bench().make.request(stranger.id, usd(1)))).toBe('reserved')
    })

    it('halts of others stop nothing', async () => {
      const { id } = await bench().openSession()
      await bench().ledger.halt({ scope: 'agent', value: 'other', reason: 'drill', at: 0 })
      await bench().ledger.halt({ scope: 'recipient', value: 'other.test', reason: 'drill', at: 0 })
      expect(await bench().verdict(bench().make.request(id, usd(1)))).toBe('reserved')
    })

    it('is told to whoever watches, until they stop', async () => {
      const { told, stop } = bench().watch()
      const halt: Halt = { scope: 'all', value: '', reason: 'drill', at: bench().clock.now() }
      await bench().ledger.halt(halt)
      await expect.poll(told).toEqual([{ kind: 'halts' }])
      await bench().ledger.resumePayments(halt)
      await expect.poll(told).toEqual([{ kind: 'halts' }, { kind: 'halts' }])
      stop()
      await bench().ledger.halt(halt)
      expect(told()).toHaveLength(2)
    })

    it('makes the ledger unready while everything is halted', async () => {
      expect(await bench().ledger.readiness()).toEqual([])
      await bench().ledger.halt({ scope: 'all', value: '', reason: 'drill', at: 0 })
      expect(await bench().ledger.readiness()).toEqual(['Payments are halted: drill'])
    })
  })

  describe('admin tokens', () => {
    it('finds a token by its hash until it is revoked', async () => {
      const token = { id: 'tok_1', role: 'auditor', person: 'alice', label: 'CI', createdAt: bench().clock.now(), revokedAt: null } as const
      const { told, stop } = bench().watch()
      await bench().ledger.createToken(token, 'hash')
      expect(await bench().ledger.tokenByHash('hash')).toEqual(token)
      expect(await bench().ledger.tokenByHash('other')).toBeUndefined()
      expect(await bench().ledger.revokeToken('tok_1')).toBe(true)
      expect(await bench().ledger.revokeToken('tok_1')).toBe(false)
      expect(await bench().ledger.tokenByHash('hash')).toBeUndefined()
      expect(await bench().ledger.tokens()).toEqual([{ ...token, revokedAt: bench().clock.now() }])
      await expect.poll(told).toContainEqual({ kind: 'tokens' })
      stop()
    })
  })

  describe('totals', () => {
    it('sums what may still move once, whoever else holds it, and counts sessions by state', async () => {
      const root = await bench().openSession({ cap: usd(10) })
      const child = await bench().openSession({ cap: usd(10), parent: root.id })
      const euros = await bench().openSession({ cap: usd(1), currency: 'EUR' })
      const closed = await bench().openSession()
      await bench().reserve(bench().make.request(child.id, usd(3)))
      await bench().reserve(bench().make.request(euros.id, usd(1), { terms: { currency: 'EUR' } }))
      await bench().ledger.close(closed.id)
      expect(await bench().ledger.totals()).toEqual({
        exposure: { USD: usd(3), EUR: usd(1) },
        sessions: { open: 2, exhausted: 1, closed: 1 },
        disputes: 0,
        unresolved: 0,
      })
    })

    it('tells every state apart, however the sessions came into it', async () => {
      const make = (changes: Parameters<Bench['openSession']>[0]) => bench().openSession(changes)
      const soon = { expiresAt: bench().clock.now() + 90 * 60_000 }
      const refill = { amount: usd(1), every_ms: 3_600_000, max: usd(1) }
      const sessions = {
        open: await make({}),
        exhausted: await make({ cap: usd(1) }),
        refilled: await make({ cap: usd(1), refill, expiresAt: bench().clock.now() + 86_400_000 }),
        expired: await make(soon),
        extended: await make(soon),
        closingByTime: await make(soon),
        closed: await make({}),
        closing: await make({}),
        revoked: await make({}),
      }
      for (const name of ['exhausted', 'refilled', 'closingByTime', 'closing'] as const) {
        await bench().sign(bench().make.request(sessions[name].id, usd(1)))
      }
      await bench().ledger.topUp(sessions.extended.id, { amount: 0n, extend_ms: 86_400_000 })
      for (const name of ['open', 'exhausted', 'closed', 'closing', 'revoked'] as const) {
        await bench().ledger.topUp(sessions[name].id, { amount: 0n, extend_ms: 86_400_000 })
      }
      for (const name of ['closed', 'closing'] as const) await bench().ledger.close(sessions[name].id)
      await bench().ledger.revoke(sessions.revoked.id)
      expect((await bench().ledger.totals()).sessions).toEqual({ open: 4, exhausted: 2, closed: 1, closing: 1, revoked: 1 })
      bench().clock.advance(90 * 60_000)
      const after = { open: 3, exhausted: 1, expired: 1, closed: 1, closing: 2, revoked: 1 }
      expect((await bench().ledger.totals()).sessions).toEqual(after)
      await bench().store.restart()
      expect((await bench().ledger.totals()).sessions).toEqual(after)
    })

    it('has no exposure where nothing is held', async () => {
      expect(await bench().ledger.totals()).toEqual({ exposure: {}, sessions: {}, disputes: 0, unresolved: 0 })
    })

    it('counts what is unknown and what is under dispute, as long as it is', async () => {
      const { id } = await bench().openSession()
      const [unknown, undelivered] = [bench().make.request(id, usd(1)), bench().make.request(id, usd(1))]
      await (await bench().sign(unknown)).leaveUnknown('The connection broke.')
      const owed = await bench().sign(undelivered)
      await owed.post(CLAIMED)
      owed.release()
      await owed.payment()
      await vi.waitFor(async () => expect(await bench().ledger.totals()).toMatchObject({ disputes: 1, unresolved: 1 }))
      await owed.delivered(COMPLETE)
      await bench().ledger.resolve(unknown.paymentId, { kind: 'expired', reason: 'Its window closed.' })
      expect(await bench().ledger.totals()).toMatchObject({ disputes: 0, unresolved: 0 })
    })
  })
}
