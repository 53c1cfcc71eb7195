import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ChildTerms, narrowed, type Opening } from '../../src/session/narrower.ts'
import { remainingOf, type Session } from '../../src/session/session.ts'
import type { SessionRequest } from '../../src/session/spec.ts'
import { NOW, session } from './fixtures.ts'

const USDC = { symbol: 'USDC', address: `0x${'1'.repeat(40)}` as const }
const OPENING: Opening = { now: NOW, opener: 'agent', assets: [USDC] }
const LEAST: SessionRequest = { cap: 1_000_000n, ttl_ms: 60_000 }

const PARENT = session({
  ...{ cap: 10_000_000n, spent: 3_000_000n, held: 2_000_000n, wallet: 'main', networks: ['eip155:84532', 'eip155:8453'] },
  ...{ limits: { perPayment: 2_000_000n }, scope: { hosts: ['*.example.com'] }, labels: { costCentre: 'R-12' } },
})

function child(parent: Session, asked: SessionRequest, opening = OPENING): ChildTerms {
  const result = narrowed(parent, asked, opening)
  if (result.kind === 'refused') throw new Error(JSON.stringify(result.issues))
  return result.terms
}

function issues(parent: Session, asked: Partial<SessionRequest>, opening: Partial<Opening> = {}) {
  const result = narrowed(parent, { ...LEAST, ...asked }, { ...OPENING, ...opening })
  return result.kind === 'refused' ? result.issues : []
}

describe('narrowed', () => {
  it('what a child does not say it takes from its parent, but never a cap, a lifetime or a refill', () => {
    const refill = { amount: 1n, every_ms: 1_000, max: 1n }
    expect(child({ ...PARENT, refill }, LEAST)).toEqual({
      ...{ agent: 'reporter', purpose: 'test', currency: 'USD', cap: 1_000_000n, expiresAt: NOW + 60_000, parent: 'ses_1' },
      ...{ limits: { perPayment: 2_000_000n }, scope: { hosts: ['*.example.com'] }, networks: PARENT.networks, assets: ['USDC'] },
      ...{ wallet: 'main', owner: 'ops', singleUse: false, labels: { costCentre: 'R-12' }, refill: null },
    })
  })

  it('a child has what it asks for where that is less', () => {
    const asked: SessionRequest = {
      ...LEAST,
      ...{ purpose: 'a part of it', networks: ['eip155:8453'], assets: [USDC.address], singleUse: true, labels: { step: '2' } },
      refill: { amount: 1_000_000n, every_ms: 60_000, max: 2_000_000n },
    }
    expect(child(PARENT, asked)).toMatchObject({
      ...{ purpose: 'a part of it', networks: ['eip155:8453'], assets: [USDC.address], singleUse: true },
      ...{ labels: { costCentre: 'R-12', step: '2' }, refill: asked.refill },
    })
  })

  it('may use up to the last of what remains and of the time', () => {
    expect(child(PARENT, { cap: 5_000_000n, ttl_ms: 3_600_000 })).toMatchObject({ cap: 5_000_000n, expiresAt: PARENT.expiresAt })
  })

  it.each<[Partial<SessionRequest>, string, string]>([
    [{ cap: 5_000_001n }, 'cap', '5.000001 is more than the 5.00 that remain of the parent'],
    [{ ttl_ms: 3_600_001 }, 'ttl', 'the parent ends at 2026-06-27T13:00:00.000Z; ask for at most 1h'],
    [{ currency: 'EUR' }, 'currency', 'the parent counts in USD'],
    [{ refill: { amount: 1n, every_ms: 1_000, max: 6_000_000n } }, 'refill.max', '6.00 is more than the 5.00 that remain of the parent'],
    [{ limits: { perPayment: 3_000_000n } }, 'limits.perPayment', '3.00 is more than the 2.00 of the parent'],
    [{ scope: { hosts: ['*'] } }, 'scope.hosts', 'the parent does not have * (it has *.example.com)'],
    [{ networks: ['eip155:1'] }, 'networks', 'the parent does not have eip155:1 (it has eip155:84532, eip155:8453)'],
    [{ assets: ['EURC'] }, 'assets', 'the parent does not have EURC (it has USDC)'],
    [{ wallet: 'other' }, 'wallet', 'a child pays with the wallet of its parent'],
    [{ owner: 'eve' }, 'owner', 'a child belongs to the owner of its parent, ops'],
    [{ agent: 'other' }, 'agent', 'an agent opens sessions for itself only, reporter'],
    [{ labels: { costCentre: 'R-13' } }, 'labels.costCentre', 'is R-12 in the parent, and stays so'],
  ])('refuses what is wider and names it: %o', (asked, path, message) => {
    expect(issues(PARENT, asked)).toEqual([{ path, message }])
  })

  it('names everything that is wider at once', () => {
    const asked = { cap: 99_000_000n, ttl_ms: 99_000_000, wallet: 'other', limits: { perPayment: 9_000_000n } }
    expect(issues(PARENT, asked).map(({ path }) => path)).toEqual(['cap', 'ttl', 'wallet', 'limits.perPayment'])
  })

  it('the advised lifetime fits, also when it is asked for a moment later', () => {
    const [issue] = issues(PARENT, { ttl_ms: 3_600_000 }, { now: NOW + 90_500 })
    expect(issue?.message).toContain('ask for at most 3509s')
    expect(issues(PARENT, { ttl_ms: 3_509_000 }, { now: NOW + 90_900 })).toEqual([])
  })

  it('a session that has expired has no children', () => {
    expect(issues(PARENT, {}, { now: PARENT.expiresAt })).toEqual([
      { path: 'ttl', message: 'the parent expired at 2026-06-27T13:00:00.000Z' },
    ])
  })

  it('an operator may let another agent share the budget; nobody makes a single use many', () => {
    expect(child(PARENT, { ...LEAST, agent: 'other' }, { ...OPENING, opener: 'operator' }).agent).toBe('other')
    const single = session({ singleUse: true })
    expect(issues(single, { singleUse: false })).toEqual([{ path: 'singleUse', message: 'the parent is for one payment only' }])
    expect(child(single, LEAST).singleUse).toBe(true)
  })

  it('labels are bounded together with the parent’s', () => {
    const labels = (from: number) => Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`l${from + at}`, 'x']))
    expect(issues(session({ labels: labels(0) }), { labels: labels(30) }).map(({ path }) => path)).toEqual(['labels'])
    expect(issues(session({ labels: labels(0) }), { labels: labels(0) })).toEqual([])
  })

  it('no chain of children has more money, time or means than the first', () => {
    const someMeans = fc.subarray(['eip155:1', 'eip155:84532', 'eip155:8453'])
    const someRequest: fc.Arbitrary<SessionRequest> = fc.record(
      { cap: fc.bigInt({ min: 0n, max: 12_000_000n }), ttl_ms: fc.nat(4_000_000), networks: someMeans, singleUse: fc.boolean() },
      { requiredKeys: ['cap', 'ttl_ms'] },
    )
    fc.assert(
      fc.property(fc.array(someRequest, { maxLength: 6 }), fc.boolean(), (requests, singleUse) => {
        const first = session({ singleUse, spent: 2_000_000n, networks: ['eip155:84532', 'eip155:8453'] })
        let last = first
        for (const [at, asked] of requests.entries()) {
          const result = narrowed(last, asked, OPENING)
          if (result.kind === 'refused') continue
          last = session({ ...result.terms, id: `ses_${at + 2}` })
        }
        if (last === first) return
        expect(last.cap <= remainingOf(first)).toBe(true)
        expect(last.expiresAt).toBeLessThanOrEqual(first.expiresAt)
        expect(last.networks.every((network) => first.networks.includes(network))).toBe(true)
        expect(first.singleUse && !last.singleUse).toBe(false)
      }),
    )
  })
})
