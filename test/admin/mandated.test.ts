import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createAgentDoor } from '../../src/admin/agent-door.ts'
import { openMandateDesk } from '../../src/mandate/desk.ts'
import type { Session } from '../../src/session/session.ts'
import { createDerivedWallet } from '../../src/wallet/derived.ts'
import { claimsAt, ISSUER, issue, keySet, newKey, present } from '../mandate/issuer.ts'
import { type Answer, expectProblem, type Fixture, requestOf, SPEC, startFixture, WALLET } from './fixture.ts'

const [issuer, agent] = await Promise.all([newKey(), newKey()])

async function deskFor() {
  const folder = await mkdtemp(join(tmpdir(), 'purser-desk-'))
  const keys = join(folder, 'issuer.jwks.json')
  await writeFile(keys, JSON.stringify(keySet(issuer)))
  const issuers = [{ issuer: ISSUER, keys, unsafeIgnoreReference: false }]
  const desk = await openMandateDesk({ audience: 'purser', issuers, secret: new Uint8Array(32).fill(4) })
  await rm(folder, { recursive: true })
  return desk
}
const mandates = await deskFor()

const mandateAt = (it: Fixture, changes: Record<string, unknown> = {}) => issue(issuer, claimsAt(it.clock.now(), changes))
const opening = (it: Fixture, mandate: string, more: object = {}) => it.ask('/v1/sessions', { body: { ...SPEC, mandate, ...more } })
async function opened(it: Fixture, mandate: string, more: object = {}): Promise<Answer> {
  const answer = await opening(it, mandate, more)
  expect(answer.status).toBe(201)
  return answer.json()
}

describe('a session under a mandate', () => {
  it('can do no more than the mandate grants, and says which mandate that is', async () => {
    await using it = await startFixture({ mandates })
    const session = await opened(it, await mandateAt(it), { ttl: '10h' })
    expect(session).toMatchObject({
      ...{ cap: '6.00', expiresAt: new Date(it.clock.now() + 3_600_000).toISOString(), parent: expect.stringMatching(/^ses_/) },
      limits: { perPayment: '2.00', payments: 3, perRecipient: { 'api.example.com': '6.00' } },
      labels: { 'purser/mandate': expect.stringMatching(/^[0-9a-f]{64}$/) },
    })
    const budget = await it.ledger.session(session.parent)
    expect(budget).toMatchObject({
      name: `mandate:${session.labels['purser/mandate']}`,
      cap: 6_000_000n,
      purpose: `AP2 mandate of ${ISSUER}`,
    })
  })

  it('may be narrower than the mandate, and is refused where it asks for something wider', async () => {
    await using it = await startFixture({ mandates })
    const mandate = await mandateAt(it)
    expect(await opened(it, mandate, { cap: '1.00', limits: { perPayment: '0.50' } })).toMatchObject({
      cap: '1.00',
      limits: { perPayment: '0.50' },
    })
    const wider = await opening(it, mandate, { limits: { perPayment: '3.00', perRecipient: { 'other.example': '1.00' } } })
    const detail = await expectProblem(wider, 'request_invalid', 400)
    expect(detail).toContain('limits.perPayment: 3.00 is more than the 2.00')
    expect(detail).toContain('limits.perRecipient.other.example')
  })

  it('shares one sum with every other session under the same mandate, however often it is presented', async () => {
    await using it = await startFixture({ mandates })
    const mandate = await mandateAt(it)
    const sessions: Answer[] = await Promise.all([1, 2, 3].map(() => opened(it, mandate)))
    expect(new Set(sessions.map(({ parent }) => parent)).size).toBe(1)
    expect(new Set(sessions.map(({ id }) => id)).size).toBe(3)
    const other = await opened(it, await mandateAt(it, { jti: 'another' }))
    expect(other.parent).not.toBe(sessions[0].parent)
  })

  it('ends with the mandate that an operator revokes here, and no other is opened with it', async () => {
    await using it = await startFixture({ mandates })
    const mandate = await mandateAt(it)
    const { id, parent } = await opened(it, mandate)
    await it.ask(`/v1/sessions/${parent}/revoke`, { method: 'POST' })
    expect((await it.ledger.session(id))?.status).toBe('revoked')
    expect(await expectProblem(await opening(it, mandate), 'conflict', 409)).toContain('is revoked')
  })

  it.each([
    ['from an unknown issuer', { iss: 'https://else.example' }, 'not among mandates.issuers'],
    ['with an unknown constraint', { constraints: [{ type: 'payment.moon_phase' }] }, 'payment.moon_phase is not understood'],
    ['that counts in another currency', { constraints: [{ type: 'payment.budget', currency: 'EUR', max: 1 }] }, 'EUR is not configured'],
    ['for other instruments', { payment_instrument: { id: 'card-1' } }, 'not among the payment instruments'],
    ['for another network', { payment_instrument: { id: `eip155:1:${WALLET}` } }, 'no network that can be paid on'],
  ])('is not opened with a mandate %s, and nothing is left of the attempt', async (_, changes, reason) => {
    await using it = await startFixture({ mandates })
    expect(await expectProblem(await opening(it, await mandateAt(it, changes)), 'request_invalid', 400)).toContain(reason)
    expect((await it.ledger.sessions({ limit: 10 })).items).toEqual([])
  })

  it('pays only with the account and on the network that the mandate allows', async () => {
    await using it = await startFixture({ mandates })
    const mandate = await mandateAt(it, { payment_instrument: { id: `eip155:84532:${WALLET}` } })
    expect(await opened(it, mandate)).toMatchObject({ networks: ['eip155:84532'] })
  })

  it('G6: pays nothing on Solana, where another address pays than the account that the mandate allows', async () => {
    const networks = ['eip155:84532', 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1']
    const defaults = { currency: 'USD', networks, assets: ['USDC'], owner: 'ops', wallet: null }
    await using it = await startFixture({ mandates, defaults })
    const mandate = await mandateAt(it, { payment_instrument: { id: WALLET } })
    expect(await opened(it, mandate)).toMatchObject({ networks: ['eip155:84532'] })
    await using only = await startFixture({ mandates, defaults: { ...defaults, networks: networks.slice(1) } })
    expect((await opening(only, await mandateAt(only, { payment_instrument: { id: WALLET } }))).status).toBe(400)
  })

  it('pays with that account where every other session has its own, and so does what is opened under it', async () => {
    const derived = createDerivedWallet({ seed: new Uint8Array(32).fill(9) })
    await using it = await startFixture({ mandates, wallet: derived })
    const address = await derived.address(null)
    const session = await opened(it, await mandateAt(it, { payment_instrument: { id: `eip155:84532:${address}` } }))
    const child: Answer = await it.open({ parent: session.id, cap: '0.10', ttl: '1m', limits: { perPayment: '0.10' } })
    expect([session.wallet.address, child.wallet.address]).toEqual([address, address])
    const other = await opened(it, await mandateAt(it, { jti: 'free' }))
    expect(other.wallet.address).toBe(await derived.address(other.parent))
  })

  it('waits for the mandate’s first day', async () => {
    await using it = await startFixture({ mandates })
    const begin = new Date(it.clock.now() + 60_000).toISOString()
    const constraints = [
      { type: 'payment.budget', currency: 'USD', max: 1 },
      { type: 'payment.execution_date', not_before: begin },
    ]
    const mandate = await mandateAt(it, { constraints })
    expect(await expectProblem(await opening(it, mandate), 'request_invalid', 400)).toContain(`from ${begin} on`)
    it.clock.advance(60_000)
    expect((await opening(it, mandate)).status).toBe(201)
  })

  it('is opened with a proof of possession over a nonce of ours, once; a replayed creation needs no other', async () => {
    await using it = await startFixture({ mandates })
    const mandate = await mandateAt(it, { cnf: { jwk: agent.jwk } })
    const { nonce, audience: aud }: Answer = await (await it.ask('/v1/mandates/nonce', { method: 'POST' })).json()
    const shown = await present(mandate, agent, { nonce, aud, iat: Math.floor(it.clock.now() / 1000) })
    const send = (key: string) => it.ask('/v1/sessions', { body: { ...SPEC, mandate: shown }, headers: { 'idempotency-key': key } })
    const first: Answer = await (await send('one')).json()
    expect(await (await send('one')).json()).toMatchObject({ id: first.id, token: first.token })
    expect(await expectProblem(await send('two'), 'request_invalid', 400)).toContain('was used before')
    expect(await expectProblem(await opening(it, mandate), 'request_invalid', 400)).toContain('proof')
  })

  it('is not opened where no issuers are configured', async () => {
    await using it = await startFixture()
    expect(await expectProblem(await opening(it, 'x'), 'request_invalid', 400)).toContain('mandates.issuers')
    expect((await it.ask('/v1/mandates/nonce', { method: 'POST' })).status).toBe(400)
  })
})

describe('a mandate that an agent presents', () => {
  async function doorOf(it: Fixture, id: string) {
    const session = (await it.ledger.session(id)) as Session
    const quote = async () => ({ payable: false, reason: 'not asked here' })
    const door = createAgentDoor({ ...it.deps, proxyUrl: () => it.deps.proxyUrl, quote })
    return (path: string, body: unknown) => door(session, new Request(`http://purser.internal${path}`, requestOf({ token: null, body })))
  }

  it('gives a child of its own session, so that both hold', async () => {
    await using it = await startFixture({ mandates })
    const own = await it.open({ cap: '3.00', ttl: '10m', limits: { perPayment: '1.00' } })
    const ask = await doorOf(it, own.id)
    const child: Answer = await (await ask('/v1/session/children', { cap: '25.00', ttl: '1h', mandate: await mandateAt(it) })).json()
    expect(child).toMatchObject({ cap: '3.00', expiresAt: own.expiresAt, limits: { perPayment: '1.00', payments: 3 } })
    expect((await it.ledger.session(child.parent))?.parent).toBe(own.id)
  })

  it('stays where it was presented first: no second session gets its sum again', async () => {
    await using it = await startFixture({ mandates })
    const mandate = await mandateAt(it)
    const doors = await Promise.all([it.open(), it.open()].map(async (one) => doorOf(it, (await one).id)))
    const answers = []
    for (const ask of doors) answers.push(await ask('/v1/session/children', { cap: '1.00', ttl: '10m', mandate }))
    expect(answers.map(({ status }) => status)).toEqual([201, 409])
    expect(answers[1] && (await expectProblem(answers[1], 'conflict', 409))).toContain('presented elsewhere first')
  })

  it('is proven over a nonce that it asks for at its own door', async () => {
    await using it = await startFixture({ mandates })
    const ask = await doorOf(it, (await it.open()).id)
    const { nonce }: Answer = await (await ask('/v1/session/mandates/nonce', {})).json()
    const mandate = await mandateAt(it, { cnf: { jwk: agent.jwk } })
    const shown = await present(mandate, agent, { nonce, iat: Math.floor(it.clock.now() / 1000) })
    expect((await ask('/v1/session/children', { cap: '1.00', ttl: '10m', mandate: shown })).status).toBe(201)
  })
})
