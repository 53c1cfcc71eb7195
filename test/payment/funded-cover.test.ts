import { describe, expect, it } from 'vitest'
import { FUNDING_GLANCE_MS, FUNDING_PATIENCE_MS } from '../../src/funding-limits.ts'
import { composeLedger } from '../../src/ledger/sqlite.ts'
import type { Covered, Funds } from '../../src/payment/balance.ts'
import { withArrivals } from '../../src/payment/funded-cover.ts'
import { countingIds, testClock } from '../clock.ts'
import { planned } from '../conformance/ledger-fundings.ts'
import { emptyDatabase } from '../ledger/sqlite/workbench.ts'

const PAYER = '0x00000000000000000000000000000000000000Aa'
const SHORT: Covered = { kind: 'refused', refusal: { code: 'wallet_insufficient', detail: 'It costs 1 USDC, and the wallet has 0 free.' } }
const COVERED: Covered = { kind: 'covered', cover: { reserved: () => undefined, release: () => undefined } }

async function rig(answers: (look: number) => Covered) {
  const clock = testClock()
  const ledger = await composeLedger(emptyDatabase(), { clock, ids: countingIds(), runId: 'run_1' })
  let looks = 0
  const funds: Funds = { cover: async () => answers(++looks), holding: async () => undefined }
  const pause = async (ms: number) => clock.advance(ms)
  const patient = withArrivals({ funds, ledger, clock, pause })
  const terms = { network: 'eip155:1', asset: { symbol: 'USDC', address: '0x1', decimals: 6 }, payer: PAYER }
  const cover = () => patient.cover({ ...terms, amountAtomic: 1n, amount: 1n, currency: 'USD' })
  return { clock, ledger, cover, looks: () => looks }
}

describe('a payment whose money is on its way', () => {
  it('waits for it', async () => {
    const { ledger, clock, cover, looks } = await rig((look) => (look < 4 ? SHORT : COVERED))
    await ledger.fundings.open({ sessionId: 'ses_a', address: PAYER }, clock.now())
    expect(await cover()).toBe(COVERED)
    expect(looks()).toBe(4)
  })

  it('waits so long, and is then told that it is being funded', async () => {
    const { ledger, clock, cover, looks } = await rig(() => SHORT)
    await ledger.fundings.open({ sessionId: 'ses_a', address: PAYER.toLowerCase() }, clock.now())
    await ledger.fundings.plan(planned('ses_a'))
    expect(await cover()).toMatchObject({
      kind: 'refused',
      refusal: { code: 'wallet_insufficient', detail: expect.stringContaining('being funded') },
    })
    expect(looks()).toBe(FUNDING_PATIENCE_MS / FUNDING_GLANCE_MS + 1)
  })
})

describe('a payment whose money is not', () => {
  it('is refused at once: no account, all of it there already, or taken back', async () => {
    const { ledger, clock, cover, looks } = await rig(() => SHORT)
    expect(await cover()).toBe(SHORT)
    await ledger.fundings.open({ sessionId: 'ses_a', address: PAYER }, clock.now())
    await ledger.fundings.plan(planned('ses_a'))
    const over = { state: 'done', signedAt_s: 1, validBefore_s: 2, transaction: '0x1', sentAt: 1, endedAt: 1, reason: null } as const
    await ledger.fundings.advance(planned('ses_a'), 'planned', over)
    expect(await cover()).toBe(SHORT)
    await ledger.fundings.plan(planned('ses_a', 2, { kind: 'sweep' }))
    expect(await cover()).toBe(SHORT)
    expect(looks()).toBe(3)
  })

  it('another refusal, or a cover, is nobody else’s matter', async () => {
    const halted: Covered = { kind: 'refused', refusal: { code: 'circuit_open', detail: 'no' } }
    const { ledger, clock, cover } = await rig((look) => (look === 1 ? halted : COVERED))
    await ledger.fundings.open({ sessionId: 'ses_a', address: PAYER }, clock.now())
    expect([await cover(), await cover()]).toEqual([halted, COVERED])
  })
})
