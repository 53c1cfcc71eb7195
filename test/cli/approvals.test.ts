import { describe, expect, it } from 'vitest'
import { HIRE } from '../approval/approvals-at-hand.ts'
import { type RunningAdminApi, startAdminApi } from './running-admin.ts'

async function question({ fixture }: RunningAdminApi, required = 1) {
  const { approvals } = fixture.deps.people
  return approvals.ask({
    sessionId: 'ses_1',
    agent: 'procurement',
    shown: { ...HIRE, untrusted: 'buy \u001b[31mnow' },
    required,
    timeout_ms: 3_600_000,
  })
}

async function veto({ fixture }: RunningAdminApi) {
  const { approvals } = fixture.deps.people
  return approvals.openWindow({ sessionId: 'ses_1', agent: 'procurement', shown: HIRE, paymentId: 'pay_w', length_ms: 30_000 })
}

describe('approvals', () => {
  it('list says what waits and how to go on; with nothing it says so', async () => {
    await using api = await startAdminApi()
    expect(await api.run('approvals', 'list')).toMatchObject({ code: 0, out: 'Nothing waits here.\n', err: '' })
    const { id } = await question(api)
    const { out, err } = await api.run('approvals', 'list')
    expect(out).toMatch(
      new RegExp(`^${id} +needs a yes +\\$89\\.00 +agents\\.example +procurement +collaborative +2026-06-27T13:00:00\\.000Z$`, 'm'),
    )
    expect(err).toContain('purser approvals show ID')
    expect((await api.run('approvals', 'list', '--state', 'approved')).out).toBe('Nothing waits here.\n')
  })

  it('list --watch goes on with what comes, and whoever watches as an approver begins a window', async () => {
    await using api = await startAdminApi()
    const { id } = await veto(api)
    const watching = api.watch('approvals', 'list', '--watch')
    await expect.poll(watching.out).toMatch(new RegExp(`^${id}  veto window  \\$89\\.00  agents\\.example `, 'm'))
    expect(await api.fixture.deps.people.approvals.approval(id)).toMatchObject({ window: { startedAt: api.fixture.clock.now() } })
    watching.stop()
    expect(await watching.code).toBe(0)
  })

  it('show says exactly what will be signed, with foreign words marked and cleaned', async () => {
    await using api = await startAdminApi()
    const { id, digest } = await question(api)
    const { code, out } = await api.run('approvals', 'show', id)
    expect(code).toBe(0)
    for (const part of [
      'Approve $89.00 to agents.example for procurement?',
      '$89.00: 89 USDC (89000000 atomic units)',
      HIRE.payTo,
      `POST ${HIRE.url}`,
      'eip155:84532 (x402, exact, authorization)',
      digest,
      `purser approvals approve ${id}, or deny ${id}`,
    ]) {
      expect(out).toContain(part)
    }
    expect(out).toMatch(/^The server says \(not checked\) +buy now$/m)
    expect(out).not.toContain('\u001b')
  })

  it('approve needs as many people as the tier says, one token of each', async () => {
    await using api = await startAdminApi()
    const { id } = await question(api, 2)
    const [alice, bob] = [await api.fixture.token('approver', 'alice'), await api.fixture.token('approver', 'bob')]
    const first = await api.runAs(alice, 'approvals', 'approve', id, '--reason', 'needed')
    expect(first).toMatchObject({ code: 0, out: expect.stringContaining(`Recorded for ${id}: 1 of 2 people said yes`) })
    expect((await api.run('approvals', 'list')).out).toContain('1 of 2 said yes')
    expect(await api.runAs(alice, 'approvals', 'approve', id)).toMatchObject({
      code: 1,
      err: expect.stringContaining('2 different people'),
    })
    expect((await api.runAs(bob, 'approvals', 'approve', id)).out).toContain('Approved: $89.00 to agents.example for procurement.')
    expect((await api.run('approvals', 'show', id)).out).toMatch(/^Yes by alice +needed \(cli, 2026-06-27T12:00:00\.000Z\)$/m)
  })

  it('listing a veto window begins it, and denying it is the veto', async () => {
    await using api = await startAdminApi()
    const { id } = await veto(api)
    const auditor = await api.fixture.token('auditor')
    expect((await api.runAs(auditor, 'approvals', 'list')).out).toContain('not begun')
    expect((await api.runAs(auditor, 'approvals', 'show', id)).out).toContain('Its window has not begun: only approvers begin it.')
    expect((await api.run('approvals', 'list')).out).toMatch(/veto window.*2026-06-27T12:00:30\.000Z/)
    expect((await api.run('approvals', 'show', id)).out).toContain(`unless somebody says: purser approvals deny ${id}`)
    expect((await api.run('approvals', 'deny', id)).out).toBe('Vetoed: $89.00 to agents.example for procurement. Nothing is paid for it.\n')
    expect(await api.run('approvals', 'deny', id)).toMatchObject({ code: 1 })
  })

  it('only an approver decides', async () => {
    await using api = await startAdminApi()
    const { id } = await question(api)
    const refused = await api.runAs(await api.fixture.token('operator'), 'approvals', 'approve', id)
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('this needs approver or the token of the data folder') })
    expect(await api.run('approvals', 'deny', id, '--json')).toMatchObject({ code: 0 })
    expect(JSON.parse((await api.run('approvals', 'show', id, '--json')).out)).toMatchObject({ state: 'denied' })
  })

  it.each([[['approvals', 'approve']], [['approvals', 'list', '--state', 'maybe']]])('%j is wrong usage', async (argv) => {
    await using api = await startAdminApi()
    expect((await api.run(...argv)).code).toBe(2)
  })
})
