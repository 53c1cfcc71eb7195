import { describe, expect, it } from 'vitest'
import { newSession } from '../../src/admin/open-session.ts'
import { MAX_SESSION_DEPTH } from '../../src/limits.ts'
import { sessionSpecSchema } from '../../src/session/spec.ts'
import { hashToken, mintToken } from '../../src/session/token.ts'
import { createDerivedWallet } from '../../src/wallet/derived.ts'
import { type Answer, buy, expectProblem, SPEC, startFixture, USDC } from './fixture.ts'

const derived = createDerivedWallet({ seed: new Uint8Array(32).fill(9) })

describe('open-session', () => {
  it('fills what is absent from the configuration and leaves what is empty empty', async () => {
    await using fixture = await startFixture()
    const { deps } = fixture
    const session = await newSession(sessionSpecSchema.parse({ ...SPEC, assets: [] }), { ...deps, ids: () => 'ses_1' })
    expect(session).toMatchObject({
      id: 'ses_1',
      networks: ['eip155:84532'],
      assets: [],
      currency: 'USD',
      owner: 'ops',
      wallet: null,
      name: null,
    })
    expect(session.expiresAt - session.createdAt).toBe(3_600_000)
    expect(session.tokenHash).toBe(hashToken(mintToken(deps.tokenSecret, 'ses_1')))
  })

  it.each([
    [{ networks: ['eip155:8453'] }, 'networks: eip155:8453 is not configured here (configured: eip155:84532).'],
    [{ networks: ['eip155:84532', 'base'] }, 'networks: eip155:8453 is not configured here (configured: eip155:84532).'],
    [{ assets: ['EURC'] }, 'assets: EURC is not configured here (configured: USDC).'],
    [{ assets: [`0x${'9'.repeat(40)}`] }, `assets: 0x${'9'.repeat(40)} is not configured here (configured: USDC).`],
    [{ currency: 'UDS' }, 'currency: UDS is not configured here (configured: USD).'],
    [{ wallet: 'other' }, 'wallet: there is no wallet named "other" here.'],
    [{ parent: 'ses_none' }, 'parent: there is no session ses_none.'],
  ])('refuses to open beyond the configuration: %j', async (more, detail) => {
    await using fixture = await startFixture()
    expect(await expectProblem(await fixture.ask('/v1/sessions', { body: { ...SPEC, ...more } }), 'request_invalid', 400)).toBe(detail)
    expect((await fixture.ledger.sessions({ limit: 1 })).items).toEqual([])
  })

  it('a wallet that fails for another reason is a fault of ours, not of the one who asks', async () => {
    await using fixture = await startFixture({ wallet: { address: () => Promise.reject(new Error('signer gone')) } })
    await expectProblem(await fixture.ask('/v1/sessions', { body: SPEC }), 'internal_error', 500)
    expect(fixture.faults).toHaveLength(1)
  })

  it('every session has a wallet of its own where keys are derived, a child too', async () => {
    await using fixture = await startFixture({ wallet: derived })
    const parent: Answer = await fixture.open()
    const child: Answer = await fixture.open({ parent: parent.id, cap: '1.00', ttl: '1m' })
    const shared: Answer = await fixture.open({ parent: parent.id, cap: '1.00', ttl: '1m', wallet: parent.wallet.name })
    const common: Answer = await fixture.open({ wallet: 'default' })
    expect([parent, child].map(({ id, wallet }) => wallet.name === id)).toEqual([true, true])
    expect(parent.wallet.address).toBe(await derived.address(parent.id))
    expect(child.wallet.address).toBe(await derived.address(child.id))
    expect(shared.wallet).toMatchObject(parent.wallet)
    expect(common.wallet.address).toBe(await derived.address(null))
  })

  it('a listed symbol covers its address in any spelling', async () => {
    await using fixture = await startFixture()
    expect(await fixture.open({ assets: [USDC.toLowerCase()] })).toMatchObject({ assets: [USDC.toLowerCase()] })
  })

  it('a listed address does not cover its symbol, which stands for more', async () => {
    const defaults = { currency: 'USD', networks: ['eip155:84532'], assets: [USDC], owner: 'ops', wallet: null }
    await using fixture = await startFixture({ defaults })
    expect((await fixture.ask('/v1/sessions', { body: SPEC })).status).toBe(201)
    await expectProblem(await fixture.ask('/v1/sessions', { body: { ...SPEC, assets: ['USDC'] } }), 'request_invalid', 400)
  })

  it('a child is narrower than its parent in every respect, and takes from it what is not said', async () => {
    await using fixture = await startFixture()
    const { id: parent } = await fixture.open({
      ...{ limits: { perPayment: '5.00' }, scope: { hosts: ['*.example.com'] }, wallet: 'main', labels: { costCentre: 'R-12' } },
    })
    const answer = await fixture.ask('/v1/sessions', { body: { cap: '4', ttl: '30m', parent, limits: { payments: 3 }, agent: 'other' } })
    expect(answer.status).toBe(201)
    const child: Answer = await answer.json()
    expect(child).toMatchObject({
      ...{ parent, agent: 'other', purpose: 'liquidity report', cap: '4.00', limits: { perPayment: '5.00', payments: 3 } },
      ...{ scope: { hosts: ['*.example.com'] }, wallet: { name: 'main' }, labels: { costCentre: 'R-12' }, refill: null },
    })
    expect((await fixture.ledger.sessionByToken(hashToken(child.token)))?.id).toBe(child.id)
  })

  it('a child that would exceed its parent is refused with everything that is wider', async () => {
    await using fixture = await startFixture()
    const { id: parent } = await fixture.open({ limits: { perPayment: '5.00' } })
    const body = { cap: '26', ttl: '2h', parent, limits: { perPayment: '6' }, networks: ['base'], owner: 'eve' }
    expect(await expectProblem(await fixture.ask('/v1/sessions', { body }), 'request_invalid', 400)).toBe(
      'cap: 26.00 is more than the 25.00 that remain of the parent; ' +
        'ttl: the parent ends at 2026-06-27T13:00:00.000Z; ask for at most 1h; ' +
        'networks: the parent does not have eip155:8453 (it has eip155:84532); ' +
        'limits.perPayment: 6.00 is more than the 5.00 of the parent; ' +
        'owner: a child belongs to the owner of its parent, ops',
    )
    expect((await fixture.ledger.sessions({ limit: 10 })).items).toHaveLength(1)
  })

  it('the repeat of a child’s opening answers the first one, although the parent has less left by now', async () => {
    await using fixture = await startFixture()
    const { id: parent } = await fixture.open()
    const asked = { body: { cap: '25', ttl: '1h', parent }, headers: { 'idempotency-key': 'k1' } }
    const first: Answer = await (await fixture.ask('/v1/sessions', asked)).json()
    fixture.clock.advance(60_000)
    await buy(fixture, { sessionId: parent })
    const again: Answer = await (await fixture.ask('/v1/sessions', asked)).json()
    expect([again.id, again.token]).toEqual([first.id, first.token])
    await expectProblem(await fixture.ask('/v1/sessions', { ...asked, body: { ...asked.body, cap: '1' } }), 'conflict', 409)
  })

  it('a closed session has no children, and budgets are nested only so deep', async () => {
    await using fixture = await startFixture()
    let { id: parent } = await fixture.open()
    const openChild = () => fixture.ask('/v1/sessions', { body: { cap: '1', ttl: '1m', parent } })
    for (let depth = 1; depth < MAX_SESSION_DEPTH; depth++) parent = ((await (await openChild()).json()) as Answer).id
    expect(await expectProblem(await openChild(), 'conflict', 409)).toContain(`${MAX_SESSION_DEPTH} deep`)
    const { id } = await fixture.open()
    await fixture.ledger.close(id)
    parent = id
    await expectProblem(await openChild(), 'conflict', 409)
  })

  it('a recurring budget is opened and shown with its next refill', async () => {
    await using fixture = await startFixture()
    const refill = { amount: '0.50', every: '10m', max: '2.00' }
    expect(await fixture.open({ refill })).toMatchObject({ refill, refillsAt: '2026-06-27T12:10:00.000Z' })
  })

  it('lists nothing where nothing is configured', async () => {
    const defaults = { currency: 'USD', networks: [], assets: [], owner: 'ops', wallet: null }
    await using fixture = await startFixture({ defaults })
    const answer = await fixture.ask('/v1/sessions', { body: { ...SPEC, networks: ['eip155:84532'] } })
    expect(await expectProblem(answer, 'request_invalid', 400)).toContain('(configured: none)')
  })
})
