import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { callerFrom, createOidc, type OidcRole } from '../../src/admin/oidc.ts'
import { OIDC_DISCOVERY_MS } from '../../src/people-limits.ts'
import { testClock } from '../clock.ts'
import { CLIENT, type Provider, startProvider } from './oidc-provider.ts'

const CALLBACK = 'https://purser.example/console/oidc/callback'
const ROLES: OidcRole[] = [{ claim: 'groups', value: 'approvers', role: 'approver' }]

let provider: Provider
beforeAll(async () => {
  provider = await startProvider()
})
afterAll(() => provider[Symbol.asyncDispose]())
beforeEach(() => {
  provider.claims = { sub: 'anna-1', groups: ['staff', 'approvers'] }
  provider.fault = undefined
})

function oidc(more: object = {}) {
  const { issuer, fetch } = provider
  return createOidc({ issuer, ...CLIENT, roles: ROLES, clock: testClock(), fetch, ...more })
}

describe('oidc', () => {
  it('who says yes at the provider comes back as a caller with the role of their claim', async () => {
    const here = oidc()
    const { url, trip } = await here.depart(CALLBACK)
    expect(new URL(url).searchParams.get('scope')).toBe('openid profile email')
    const arrival = await here.arrive(new URL(provider.consent(url)), trip)
    expect(arrival).toEqual({ kind: 'caller', caller: { id: 'oidc:anna-1', person: 'oidc:anna-1', role: 'approver' } })
    expect(here.name).toBe(new URL(provider.issuer).host)
  })

  it.each(['nonce', 'audience', 'issuer', 'expired', 'key'] as const)('a token with a wrong %s signs nobody in', async (fault) => {
    const here = oidc()
    const { url, trip } = await here.depart(CALLBACK)
    provider.fault = fault
    expect(await here.arrive(new URL(provider.consent(url)), trip)).toEqual({ kind: 'refused' })
  })

  it('the way back of another browser signs nobody in: neither its state, its verifier nor its nonce fits', async () => {
    const here = oidc()
    const [own, others] = [await here.depart(CALLBACK), await here.depart(CALLBACK)]
    for (const trip of [
      others.trip,
      { ...own.trip, state: others.trip.state },
      { ...own.trip, verifier: others.trip.verifier },
      { ...own.trip, nonce: others.trip.nonce },
    ]) {
      expect(await here.arrive(new URL(provider.consent(own.url)), trip)).toEqual({ kind: 'refused' })
    }
    expect(await here.arrive(new URL(provider.consent(own.url)), own.trip)).toMatchObject({ kind: 'caller' })
  })

  it('a code counts once', async () => {
    const here = oidc()
    const { url, trip } = await here.depart(CALLBACK)
    const back = new URL(provider.consent(url))
    expect((await here.arrive(back, trip)).kind).toBe('caller')
    expect(await here.arrive(back, trip)).toEqual({ kind: 'refused' })
  })

  it('who said no there, or a client with a wrong secret, is refused', async () => {
    const here = oidc()
    const { trip } = await here.depart(CALLBACK)
    const denied = new URL(`${CALLBACK}?error=access_denied&state=${trip.state}`)
    expect(await here.arrive(denied, trip)).toEqual({ kind: 'refused' })
    const wrong = oidc({ clientSecret: 'wrong' })
    const second = await wrong.depart(CALLBACK)
    expect(await wrong.arrive(new URL(provider.consent(second.url)), second.trip)).toEqual({ kind: 'refused' })
  })

  it('who is known there and has no role here is told so', async () => {
    provider.claims = { sub: 'carl-1', groups: ['staff'] }
    const here = oidc()
    const { url, trip } = await here.depart(CALLBACK)
    expect(await here.arrive(new URL(provider.consent(url)), trip)).toEqual({ kind: 'role' })
  })

  it('what the provider says of itself is asked for once an hour, and again at once after a failure', async () => {
    const clock = testClock()
    let [asked, failing] = [0, true]
    const fetch: Provider['fetch'] = async (url, options) => {
      if (String(url).includes('.well-known')) asked += 1
      if (failing) throw new TypeError('the provider is down')
      return provider.fetch(url, options)
    }
    const here = oidc({ clock, fetch })
    await expect(here.depart(CALLBACK)).rejects.toThrow()
    failing = false
    await here.depart(CALLBACK)
    await here.depart(CALLBACK)
    expect(asked).toBe(2)
    clock.advance(OIDC_DISCOVERY_MS)
    await here.depart(CALLBACK)
    expect(asked).toBe(3)
  })
})

describe('the role of a claim', () => {
  const rules: OidcRole[] = [
    { claim: 'email', value: 'anna@example.com', role: 'approver', person: 'anna' },
    { claim: 'groups', value: 'ops', role: 'operator' },
    { claim: 'department', value: 'audit', role: 'auditor' },
  ]

  it.each([
    ['the first rule that fits', { email: 'anna@example.com', email_verified: true, groups: ['ops'] }, ['anna', 'approver']],
    ['one value of a list', { groups: ['a', 'ops'] }, ['oidc:s', 'operator']],
    ['a plain value', { department: 'audit' }, ['oidc:s', 'auditor']],
    ['no address that nobody checked', { email: 'anna@example.com' }, undefined],
    ['no part of a value', { department: 'auditors', groups: 'operators' }, undefined],
    ['nothing that is no claim', { toString: 'ops' }, undefined],
    ['nobody without a rule', {}, undefined],
  ])('is that of %s', (_, claims: Record<string, unknown>, wanted) => {
    const caller = callerFrom({ ...claims, sub: 's' }, rules)
    expect(caller && [caller.person, caller.role]).toEqual(wanted)
  })

  it.each(['', 'with space', 'line\nbreak', 'x'.repeat(201)])('is none for a name that cannot stand in a record: %j', (sub) => {
    expect(callerFrom({ sub, groups: ['ops'] }, rules)).toBeUndefined()
  })
})
