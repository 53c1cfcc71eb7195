import { describe, expect, it } from 'vitest'
import { HIRE } from '../approval/approvals-at-hand.ts'
import { ADMIN_TOKEN, type Answer, expectProblem, type Fixture, startFixture } from './fixture.ts'

async function question({ deps }: Fixture, more: { readonly required?: number; readonly agent?: string; readonly url?: string } = {}) {
  const { required = 1, agent = 'procurement', url = HIRE.url } = more
  const shown = { ...HIRE, url, untrusted: 'Best \u202eagents\u001b[31m ever' }
  return deps.people.approvals.ask({ sessionId: 'ses_1', agent, shown, required, timeout_ms: 3_600_000 })
}

async function veto({ deps }: Fixture) {
  return deps.people.approvals.openWindow({ sessionId: 'ses_1', agent: 'procurement', shown: HIRE, paymentId: 'pay_w', length_ms: 30_000 })
}

describe('the inbox', () => {
  it('shows exactly what will be signed, with foreign words cleaned and marked', async () => {
    await using fixture = await startFixture()
    const { id, digest } = await question(fixture)
    const { items, next }: Answer = await (await fixture.ask('/v1/approvals?state=pending')).json()
    expect(next).toBeNull()
    expect(items).toHaveLength(1)
    expect(items[0]).toMatchObject({
      ...{ id, kind: 'approval', state: 'pending', sessionId: 'ses_1', agent: 'procurement', digest },
      ...{ amount: '89.00', currency: 'USD', asset: 'USDC', assetAmount: '89', amountAtomic: '89000000' },
      ...{ network: 'eip155:84532', recipient: HIRE.payTo, resource: HIRE.url, method: 'POST', tier: 'collaborative' },
      ...{ reason: HIRE.reason, justification: HIRE.justification, remaining: '100.00', changes: HIRE.changes },
      ...{ untrusted: 'Best agents ever', required: 1, votes: [], expiresAt: '2026-06-27T13:00:00.000Z' },
    })
    expect(items[0].facts).toContainEqual({ label: 'The server says (not checked)', value: 'Best agents ever', from: 'server' })
    expect(await (await fixture.ask(`/v1/approvals/${id}`)).json()).toEqual(items[0])
  })

  it('filters by state, kind, session and agent', async () => {
    await using fixture = await startFixture()
    const { id } = await question(fixture)
    const window = await veto(fixture)
    const ids = async (query: string) => {
      const { items }: Answer = await (await fixture.ask(`/v1/approvals?${query}`)).json()
      return items.map((item: Answer) => item.id)
    }
    expect(await ids('')).toEqual([window.id, id])
    expect(await ids('kind=veto')).toEqual([window.id])
    expect(await ids('kind=approval&agent=procurement')).toEqual([id])
    expect(await ids('agent=another')).toEqual([])
    expect(await ids('state=approved')).toEqual([])
    expect(await ids('session=ses_2')).toEqual([])
    await expectProblem(await fixture.ask('/v1/approvals?state=nonsense'), 'request_invalid', 400)
  })

  it('a veto window starts when an approver reads it, once, and not when an operator or an auditor does', async () => {
    await using fixture = await startFixture()
    const { id } = await veto(fixture)
    const startedFor = async (token: string) => {
      const shown: Answer = await (await fixture.ask(`/v1/approvals/${id}`, { token })).json()
      return shown.startedAt
    }
    expect(await startedFor(await fixture.token('auditor'))).toBeNull()
    expect(await startedFor(await fixture.token('operator'))).toBeNull()
    expect(await startedFor(await fixture.token('approver'))).toBe('2026-06-27T12:00:00.000Z')
    fixture.clock.advance(5_000)
    expect(await startedFor(ADMIN_TOKEN)).toBe('2026-06-27T12:00:00.000Z')
  })

  it('a list that an approver reads starts the windows in it', async () => {
    await using fixture = await startFixture()
    await veto(fixture)
    const { items }: Answer = await (await fixture.ask('/v1/approvals', { token: await fixture.token('approver') })).json()
    expect(items).toMatchObject([{ startedAt: '2026-06-27T12:00:00.000Z', expiresAt: '2026-06-27T12:00:30.000Z', vetoWindow: '30s' }])
  })
})

describe('a yes or a no', () => {
  it('is recorded with the person, the reason and the way, and needs no body', async () => {
    await using fixture = await startFixture()
    const [first, second] = [await question(fixture), await question(fixture, { url: 'https://agents.example/other' })]
    const token = await fixture.token('approver', 'alice')
    const said = await fixture.ask(`/v1/approvals/${first.id}/approve`, { token, body: { reason: 'needed\ntoday', channel: 'cli' } })
    expect(said.status).toBe(200)
    const vote = { person: 'alice', verdict: 'approve', reason: 'needed today', channel: 'cli', at: '2026-06-27T12:00:00.000Z' }
    expect(await said.json()).toMatchObject({ state: 'approved', votes: [vote] })
    const bare = await fixture.ask(`/v1/approvals/${second.id}/deny`, { token, method: 'POST' })
    expect(await bare.json()).toMatchObject({ state: 'denied', votes: [{ person: 'alice', verdict: 'deny', reason: '', channel: 'api' }] })
  })

  it('two tokens of one person are one voice; another person is the second', async () => {
    await using fixture = await startFixture()
    const { id } = await question(fixture, { required: 2 })
    const [one, two] = [await fixture.token('approver', 'Alice'), await fixture.token('approver', 'alice')]
    const approve = (token: string) => fixture.ask(`/v1/approvals/${id}/approve`, { token, body: {} })
    expect(await (await approve(one)).json()).toMatchObject({ state: 'pending', required: 2 })
    expect(await expectProblem(await approve(two), 'conflict', 409)).toContain('it needs 2 different people')
    expect(await (await approve(await fixture.token('approver', 'bob'))).json()).toMatchObject({ state: 'approved' })
  })

  it('is never the requester’s', async () => {
    await using fixture = await startFixture()
    const { id } = await question(fixture, { agent: 'bot' })
    const token = await fixture.token('approver', 'Bot')
    const answer = await fixture.ask(`/v1/approvals/${id}/approve`, { token, body: {} })
    expect(await expectProblem(answer, 'forbidden', 403)).toContain('Whoever asks for a payment cannot decide on it.')
  })

  it('denying a window is the veto, and a window cannot be approved', async () => {
    await using fixture = await startFixture()
    const { id } = await veto(fixture)
    await expectProblem(await fixture.ask(`/v1/approvals/${id}/approve`, { body: {} }), 'conflict', 409)
    expect(await (await fixture.ask(`/v1/approvals/${id}/deny`, { body: { reason: 'no' } })).json()).toMatchObject({ state: 'vetoed' })
    await expectProblem(await fixture.ask(`/v1/approvals/${id}/deny`, { body: {} }), 'conflict', 409)
  })

  it('on nothing is not found, and an unclear one is refused', async () => {
    await using fixture = await startFixture()
    const { id } = await question(fixture)
    await expectProblem(await fixture.ask('/v1/approvals/apr_none'), 'not_found', 404)
    await expectProblem(await fixture.ask('/v1/approvals/apr_none/approve', { body: {} }), 'not_found', 404)
    for (const body of [{ why: 'x' }, { reason: 1 }, { channel: 'link' }]) {
      await expectProblem(await fixture.ask(`/v1/approvals/${id}/approve`, { body }), 'request_invalid', 400)
    }
    expect(await (await fixture.ask(`/v1/approvals/${id}`)).json()).toMatchObject({ state: 'pending', votes: [] })
  })
})
