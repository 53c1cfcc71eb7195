import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { correctionCommands } from '../../src/cli/corrections.ts'
import { buy } from '../admin/fixture.ts'
import { capturedTerminal } from './captured-terminal.ts'
import { type RunningAdminApi, startAdminApi } from './running-admin.ts'

let api: RunningAdminApi
beforeEach(async () => {
  const call = { chainId: 84532, to: '0xtoken', data: '0xdata' }
  api = await startAdminApi({
    cancel: async (paymentId) =>
      paymentId === 'pay_gas'
        ? { kind: 'submitted', paymentId, network: 'eip155:84532', transaction: '0xabc', call, note: 'The chain decides.' }
        : { kind: 'signed', paymentId, network: 'eip155:84532', transaction: null, call, note: 'Submit this call before 12:02.' },
  })
})
afterEach(() => api[Symbol.asyncDispose]())

async function lost(): Promise<string> {
  const { id: sessionId } = await api.fixture.open({ ttl: '7d' })
  const { id } = await buy(api.fixture, { sessionId, end: 'unknown' })
  api.fixture.clock.advance(86_400_000)
  await api.fixture.ledger.resolve(id, { kind: 'expired', reason: 'Nobody could tell.' })
  return id
}

describe('payments resolve', () => {
  it('takes two people, and the first is told what the second has to type', async () => {
    const id = await lost()
    const argv = ['payments', 'resolve', id, '--outcome', 'void', '--evidence', 'unused on the explorer']
    const first = await api.run(...argv)
    expect(first.code).toBe(0)
    expect(first.out).toContain(`Proposed by admin.token: payment ${id} is void. Nothing has changed yet.`)
    expect(first.out).toContain(`purser payments resolve ${id} --outcome void`)
    const second = await api.runAs(await api.fixture.token('operator'), ...argv)
    expect(second).toMatchObject({ code: 0, out: `Payment ${id} is void: two people have said so.\n` })
    expect((await api.fixture.ledger.payment(id))?.state).toBe('void')
  })

  it('an unknown payment is a failure', async () => {
    const ran = await api.run('payments', 'resolve', 'pay_none', '--outcome', 'void', '--evidence', 'x')
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('There is no payment pay_none.') })
  })
})

describe('payments refund', () => {
  it('enters what came back once, and says what it does not do', async () => {
    const { id: sessionId } = await api.fixture.open()
    const { id } = await buy(api.fixture, { sessionId, amount: 2_000_000n })
    const { code, out } = await api.run('payments', 'refund', id, '0.50', '--evidence', 'ticket 12')
    expect([code, out]).toEqual([0, `$0.50 of $2.00 came back for payment ${id}. Limits do not grow by it.\n`])
    for (const _ of [1, 2]) await api.run('payments', 'refund', id, '0.50', '--evidence', 'x', '--idempotency-key', 'k')
    expect((await api.fixture.ledger.payment(id))?.refunded).toBe(1_000_000n)
  })
})

describe('payments cancel', () => {
  it('where nobody here pays for gas, prints the call for whoever does', async () => {
    const { code, out } = await api.run('payments', 'cancel', 'pay_1')
    expect([code, out]).toEqual([0, 'Submit this call before 12:02.\nChain  84532\nTo     0xtoken\nData   0xdata\n'])
  })

  it('where it was submitted, prints the transaction', async () => {
    expect(await api.run('payments', 'cancel', 'pay_gas')).toMatchObject({ code: 0, out: 'The chain decides.\nTransaction  0xabc\n' })
    expect(JSON.parse((await api.run('payments', 'cancel', 'pay_gas', '--json')).out)).toMatchObject({ kind: 'submitted' })
  })
})

describe('correctionCommands', () => {
  it('are the three that people correct payments with', () => {
    expect(correctionCommands(capturedTerminal()).map((command) => command.name())).toEqual(['resolve', 'cancel', 'refund'])
  })
})
