import { describe, expect, it } from 'vitest'
import { newSession } from '../../src/admin/open-session.ts'
import { sessionSpecSchema } from '../../src/session/spec.ts'
import { hashToken, mintToken } from '../../src/session/token.ts'
import { expectProblem, SPEC, startFixture, USDC } from './fixture.ts'

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
    [{ parent: 'ses_1' }, 'parent: child sessions come with a later version; leave it out or send null.'],
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

  it('lists nothing where nothing is configured', async () => {
    const defaults = { currency: 'USD', networks: [], assets: [], owner: 'ops', wallet: null }
    await using fixture = await startFixture({ defaults })
    const answer = await fixture.ask('/v1/sessions', { body: { ...SPEC, networks: ['eip155:84532'] } })
    expect(await expectProblem(answer, 'request_invalid', 400)).toContain('(configured: none)')
  })
})
