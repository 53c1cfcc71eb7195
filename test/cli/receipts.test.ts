import { describe, expect, it } from 'vitest'
import { FundingView } from '../../src/admin/funding-view.ts'
import { buy, deny } from '../admin/fixture.ts'
import { startAdminApi } from './running-admin.ts'

describe('receipts list', () => {
  it('shows the newest first, with what was paid and why not', async () => {
    await using purser = await startAdminApi()
    expect((await purser.run('receipts', 'list')).out).toBe('No receipts.\n')
    const { id: sessionId } = await purser.fixture.open()
    await buy(purser.fixture, { sessionId, amount: 50_000n })
    await deny(purser.fixture, { sessionId })
    const { out, code } = await purser.run('receipts', 'list', '--session', sessionId)
    const [head, first, ...rest] = out.split('\n')
    expect([code, head?.trim()]).toEqual([0, expect.stringMatching(/^AT +RECEIPT +KIND +STATE +AMOUNT +RESOURCE$/)])
    expect(first).toMatch(/refusal +denied: /)
    expect(rest.join('\n')).toContain('$0.05')
  })

  it('shows what a treasury moved for the session beside what was paid', async () => {
    const move = { id: 'fnd_1', kind: 'fund', state: 'done', amount: '1', amountAtomic: '1000000', from: '0x1', to: '0x2', nonce: '0x4' }
    const known = { transaction: '0xab', plannedAt: '2026-01-01T00:00:00Z', endedAt: null, reason: null }
    const sums = { funded: '1', fundedAtomic: '1000000', swept: '0', sweptAtomic: '0' }
    const funding = { state: 'funded', address: '0x2', asset: 'USDC', network: 'eip155:84532', ...sums, moves: [{ ...move, ...known }] }
    await using purser = await startAdminApi({ fundingOf: async () => FundingView.parse(funding) })
    const { id } = await purser.fixture.open()
    const { out } = await purser.run('receipts', 'list', '--session', id)
    expect(out).toContain('Funding   funded: 1 USDC came, 0 USDC went back, on eip155:84532\n          fund   1 USDC  done  0xab')
    expect((await purser.run('receipts', 'list')).out).not.toContain('Funding')
    expect(await purser.run('receipts', 'list', '--session', 'ses_gone')).toMatchObject({ code: 0, out: 'No receipts.\n' })
  })

  it('goes on where a page ended', async () => {
    await using purser = await startAdminApi()
    const { id: sessionId } = await purser.fixture.open()
    await buy(purser.fixture, { sessionId })
    await deny(purser.fixture, { sessionId })
    const { err } = await purser.run('receipts', 'list', '--limit', '1')
    const cursor = /--cursor (\S+)/.exec(err)?.[1] ?? ''
    const next = JSON.parse((await purser.run('receipts', 'list', '--limit', '1', '--cursor', cursor, '--json')).out)
    expect(next.items).toHaveLength(1)
  })
})

describe('receipts key', () => {
  it('prints the public key by which checkpoints are verified', async () => {
    await using purser = await startAdminApi()
    const { publicKey } = purser.fixture.deps.checkpointing
    expect((await purser.run('receipts', 'key')).out).toBe(`${publicKey}\n`)
    expect(JSON.parse((await purser.run('receipts', 'key', '--json')).out)).toEqual({ algorithm: 'Ed25519', publicKey })
  })
})
