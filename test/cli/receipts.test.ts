import { describe, expect, it } from 'vitest'
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
