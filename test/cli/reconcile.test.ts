import { describe, expect, it } from 'vitest'
import type { ReconcileReport } from '../../src/admin/report.ts'
import { MERCHANT, NOTHING_FOUND, WALLET } from '../admin/fixture.ts'
import { startAdminApi } from './running-admin.ts'

const paid = { paymentId: 'pay_1', network: 'eip155:84532', host: 'api.example.com', amount: 1_500_000n, currency: 'USD' }
const used = { network: 'eip155:84532', token: '0x1', wallet: WALLET, nonce: '0x2', transaction: '0xabc', block: 12n }

async function ran(report: Partial<ReconcileReport>, ...flags: string[]) {
  const asked: unknown[] = []
  await using api = await startAdminApi({
    reconcile: async (options) => {
      asked.push(options)
      return { ...NOTHING_FOUND, ...report }
    },
  })
  return { ...(await api.run('reconcile', ...flags)), asked }
}

describe('reconcile', () => {
  it('ends with 0 and says so where nothing is open', async () => {
    expect(await ran({})).toMatchObject({ code: 0, out: 'Nothing is open.\n', asked: [{}] })
  })

  it('prints what became certain and what is still open, and until when', async () => {
    const { code, out } = await ran({
      resolved: [{ ...paid, outcome: 'void', payTo: MERCHANT, transaction: null, reason: 'never used' }],
      open: [{ ...paid, paymentId: 'pay_2', state: 'unknown', until: 0, reason: 'its window is open' }],
    })
    expect(code).toBe(0)
    expect(out).toMatch(/^Certain now$/m)
    expect(out).toMatch(/^pay_1 +void +\$1\.50 +api\.example\.com +never used$/m)
    expect(out).toMatch(/^pay_2 +unknown +\$1\.50 +api\.example\.com +1970-01-01T00:00:00\.000Z +its window is open$/m)
    expect(out).toContain('Nothing waits for a person.')
  })

  it('ends with 1 where something waits for a person, and says what to do', async () => {
    const { code, out } = await ran({
      disputed: [{ ...paid, dispute: 'settled_though_denied', payTo: MERCHANT, refunded: 500_000n, transaction: '0xabc' }],
      unrecorded: [
        { ...used, payTo: MERCHANT, amountAtomic: 2_500n },
        { ...used, payTo: null, amountAtomic: null },
      ],
      unavailable: [{ network: 'eip155:8453', reason: 'It does not answer.' }],
    })
    expect(code).toBe(1)
    expect(out).toMatch(/^pay_1 +settled_though_denied +\$1\.50 +\$0\.50 +api\.example\.com$/m)
    expect(out).toMatch(/^Paid and not in this ledger$/m)
    expect(out).toMatch(new RegExp(`^eip155:84532 +0x1 +${WALLET} +${MERCHANT} +2500 +0xabc$`, 'm'))
    expect(out).toMatch(new RegExp(`^eip155:84532 +0x1 +${WALLET} +\\? +\\? +0xabc$`, 'm'))
    expect(out).toMatch(/^eip155:8453 +It does not answer\.$/m)
    expect(out).toContain('claim the money back')
    expect(out).not.toContain('Nothing waits')
  })

  it('hands on from which blocks to search, and prints the whole report as JSON', async () => {
    const { asked, out } = await ran({ takenOver: 2 }, '--from-block', 'base-sepolia=1200', '--from-block', 'base=7', '--json')
    expect(asked).toEqual([{ fromBlock: { 'eip155:84532': 1200n, 'eip155:8453': 7n } }])
    expect(JSON.parse(out)).toMatchObject({ takenOver: 2, needsPerson: false })
  })
})
