import { describe, expect, it } from 'vitest'
import type { PolicyInfo } from '../../src/admin/deps.ts'
import { MAX_PROFILES } from '../../src/people-limits.ts'
import type { ClassifyRules } from '../../src/policy/classify.ts'
import { blockedAddresses } from '../../src/policy/trust.ts'
import { type Answer, buy, expectProblem, type Fixture, MERCHANT, startFixture } from './fixture.ts'

const NETWORK = 'eip155:84532'
const OTHER = '0x3333333333333333333333333333333333333333' as const

function policyWith(rules: Partial<ClassifyRules> = {}): { policy: () => PolicyInfo } {
  const whole = { categories: [], recipients: { verified: [], blocked: [] }, jurisdictions: { sanctioned: [] }, ...rules }
  return { policy: () => ({ mode: 'enforce', version: 'abc', tiers: [], rules: whole, sentences: [], lint: [] }) }
}

/** A payment that was served: from then on its recipient is known to the agent. */
async function dealt(fixture: Fixture, more: Partial<Parameters<typeof buy>[1]> = {}) {
  const { id: sessionId } = await fixture.open({ agent: more.agent ?? 'procurement-agent' })
  return buy(fixture, { sessionId, ...more, served: true })
}

const profiles = async (fixture: Fixture, query = ''): Promise<Answer> => (await fixture.ask(`/v1/recipients/profiles${query}`)).json()
const query = (origin: string, recipient = MERCHANT) => `?${new URLSearchParams({ origin, network: NETWORK, recipient })}`

describe('GET /v1/recipients/profiles', () => {
  it('shows whom agents paid and were served by, when last, and by how many', async () => {
    await using fixture = await startFixture()
    await dealt(fixture, { amount: 2_000_000n })
    fixture.clock.advance(60_000)
    const last = await dealt(fixture, { amount: 500_000n, agent: 'second' })
    const { items, next } = await profiles(fixture)
    expect(next).toBeNull()
    expect(items).toEqual([
      {
        ...{
          origin: 'https://api.example.com',
          host: 'api.example.com',
          network: NETWORK,
          recipient: MERCHANT,
          trust: 'known',
          knownBy: 2,
        },
        last: {
          ...{ paymentId: last.id, at: '2026-06-27T12:01:00.000Z', amount: '0.50', currency: 'USD' },
          ...{ method: 'GET', url: 'https://api.example.com/weather' },
        },
        ...{ pin: null, pinDiffers: false, undelivered: 0, disputed: 0, disputedAmount: {}, refundedAmount: {} },
      },
    ])
  })

  it('one that is pinned, paid and served nobody yet names its newest payment all the same', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    const paid = await buy(fixture, { sessionId, pin: true })
    await buy(fixture, { sessionId, pin: true, end: 'unknown' })
    const { items } = await profiles(fixture)
    expect(items).toMatchObject([{ knownBy: 0, last: { paymentId: paid.id } }])
  })

  it('what was paid and not served is held against its recipient', async () => {
    await using fixture = await startFixture()
    await dealt(fixture)
    await buy(fixture, { sessionId: (await fixture.open()).id, amount: 3_000_000n })
    const { items } = await profiles(fixture)
    expect(items[0]).toMatchObject({ undelivered: 1, disputed: 1, disputedAmount: { USD: '3.00' } })
  })

  it.each<[string, Partial<ClassifyRules>, string]>([
    ['nobody listed', {}, 'known'],
    ['listed with its address', { recipients: { verified: [{ host: 'api.example.com', payTo: MERCHANT }], blocked: [] } }, 'verified'],
    ['listed with another address', { recipients: { verified: [{ host: '*.example.com', payTo: OTHER }], blocked: [] } }, 'unknown'],
    ['listed without an address', { recipients: { verified: [{ host: 'api.example.com' }], blocked: [] } }, 'verified'],
    ['blocked', { recipients: { verified: [{ host: 'api.example.com', payTo: MERCHANT }], blocked: [{ payTo: MERCHANT }] } }, 'blocked'],
    ['on a list of blocked addresses', { blockedAddresses: blockedAddresses([MERCHANT.toLowerCase()]) }, 'blocked'],
  ])('trust is what the policy in force says: %s', async (_, rules, trust) => {
    await using fixture = await startFixture(policyWith(rules))
    await dealt(fixture)
    expect((await profiles(fixture)).items[0].trust).toBe(trust)
  })

  it('another address than the pinned one is told apart', async () => {
    await using fixture = await startFixture(policyWith({ recipients: { verified: [{ host: 'api.example.com' }], blocked: [] } }))
    await dealt(fixture, { pin: true })
    await dealt(fixture, { payTo: OTHER })
    const { items } = await profiles(fixture)
    expect(items.map(({ recipient, trust, pin, pinDiffers }: Answer) => [recipient, trust, pin.recipient, pinDiffers])).toEqual([
      [MERCHANT, 'verified', MERCHANT, false],
      [OTHER, 'unknown', MERCHANT, true],
    ])
    expect(items[0].pin).toMatchObject({ since: '2026-06-27T12:00:00.000Z', uses: 1 })
  })

  it('comes page by page, by origin', async () => {
    await using fixture = await startFixture()
    for (const host of ['c.example', 'a.example', 'b.example']) await dealt(fixture, { host })
    const first = await profiles(fixture, '?limit=2')
    const second = await profiles(fixture, `?limit=2&cursor=${first.next}`)
    expect([...first.items, ...second.items].map(({ host }: Answer) => host)).toEqual(['a.example', 'b.example', 'c.example'])
    expect(second.next).toBeNull()
    for (const query of ['cursor=x', 'limit=0', `limit=${MAX_PROFILES + 1}`])
      await expectProblem(await fixture.ask(`/v1/recipients/profiles?${query}`), 'request_invalid', 400)
  })
})

describe('GET /v1/recipients/profile', () => {
  it('shows what one recipient asked for over time, and how it delivered', async () => {
    await using fixture = await startFixture()
    const served = await dealt(fixture, { amount: 1_000_000n })
    fixture.clock.advance(60_000)
    const { id: sessionId } = await fixture.open()
    const undelivered = await buy(fixture, { sessionId, amount: 4_000_000n })
    const open = await buy(fixture, { sessionId, amount: 1_000_000n, end: 'unknown' })
    await buy(fixture, { sessionId, host: 'elsewhere.example' })
    const seen: Answer = await (await fixture.ask(`/v1/recipients/profile${query('https://api.example.com')}`)).json()
    expect(seen).toMatchObject({ recipient: MERCHANT, knownBy: 1, deliveries: { delivered: 1, undelivered: 1, open: 1 }, drift: [] })
    expect(seen.payments.map(({ id, amount, delivered }: Answer) => [id, amount, delivered])).toEqual([
      [open.id, '1.00', false],
      [undelivered.id, '4.00', false],
      [served.id, '1.00', true],
    ])
  })

  it('says what was odd about its payments', async () => {
    await using fixture = await startFixture()
    await dealt(fixture, { facts: ['The price is 4 times the usual one.'] })
    const seen: Answer = await (await fixture.ask(`/v1/recipients/profile${query('https://api.example.com')}`)).json()
    expect(seen.drift).toMatchObject([{ text: 'The price is 4 times the usual one.', paymentId: seen.payments[0].id }])
  })

  it('there is none of whom nobody paid', async () => {
    await using fixture = await startFixture()
    await expectProblem(await fixture.ask(`/v1/recipients/profile${query('https://api.example.com')}`), 'not_found', 404)
    await expectProblem(await fixture.ask(`/v1/recipients/profile${query('nonsense')}`), 'not_found', 404)
  })
})
