/** What every ledger does with channels is in the conformance suite; here are prices that do not come out even. */
import { describe, expect, it } from 'vitest'
import type { Channel } from '../../src/ledger/channels.ts'
import { authorizationFor, CLAIMED } from './fixtures.ts'
import { type Workbench, workbench } from './sqlite/workbench.ts'

/** A channel of one deposit: 1000 atomic units that cost 10 millionths. */
function deposited(bench: Workbench) {
  const { id: sessionId } = bench.write((tx) => bench.accounts.open(tx, bench.make.session({ cap: 100n })))
  const terms = { scheme: 'batch-settlement', method: 'deposit', amountAtomic: 1_000n } as const
  const request = { ...bench.make.request(sessionId, 10n, { terms }), counts: 1n }
  bench.write((tx) => bench.reserving.reserve(tx, request))
  const { network } = request.attempt.terms
  const key = { sessionId, network, asset: '0xa', receiver: '0xr', receiverAuthorizer: '0xw', withdrawDelay_s: 900 }
  const about = { id: '0x1', payer: '0xp', salt: '0x2', url: 'https://a.example/', offer: '{}', decimals: 3, currency: 'USD' }
  const { paymentId } = request
  bench.write((tx) => bench.channeling.open(tx, { ...key, ...about }))
  bench.write((tx) => bench.channeling.vouch(tx, '0x1', { version: 1, paymentId, cumulative: 100n, deposit: 1_000n }))
  bench.write((tx) => bench.transitions.sign(tx, paymentId, authorizationFor(request)))
  bench.write((tx) => bench.transitions.settle(tx, paymentId, CLAIMED))
  const news = { state: 'closing', deposited: 1_000n, charged: 100n, over: paymentId } as const
  const channel = bench.write((tx) => bench.channeling.tell(tx, '0x1', { version: 2, news }))
  return { sessionId, paymentId, channel }
}

function close(bench: Workbench, channel: Channel | undefined, returned: bigint) {
  const end = { version: channel?.version ?? 0, returned, transaction: null, block: 1n }
  return bench.write((tx) => bench.channeling.close(tx, '0x1', end))
}

describe('what comes back of a channel', () => {
  it('is priced against the payer where it does not come out even, and told in units of the token', () => {
    for (const [returned, freed] of [
      [899n, 8n],
      [900n, 9n],
      [99n, 0n],
      [1_000n, 10n],
    ] as const) {
      const bench = workbench()
      const { sessionId, paymentId, channel } = deposited(bench)
      close(bench, channel, returned)
      expect(bench.tables.sessions.get(sessionId)).toMatchObject({ spent: 10n - freed, held: 0n, payments: 1 })
      expect(bench.tables.payments.get(paymentId).payment).toMatchObject({ refunded: freed })
      expect(bench.told.filter((line) => line.includes('refunded'))).toEqual([`reconciled refunded ${paymentId}`])
    }
    const bench = workbench()
    const { paymentId, channel } = deposited(bench)
    close(bench, channel, 899n)
    const { settlement } = bench.tables.payments.get(paymentId).payment
    expect(settlement).toBe('Channel 0x1 is closed: deposited 1, charged 0.1, returned 0.899 USDC.')
  })

  it('is not freed at all where it is more than its deposits brought: nothing is written', () => {
    const bench = workbench()
    const { sessionId, channel } = deposited(bench)
    const told = bench.write((tx) => bench.channeling.tell(tx, '0x1', { version: channel?.version ?? 0, news: { deposited: 2_000n } }))
    expect(() => close(bench, told, 1_001n)).toThrow(RangeError)
    expect(bench.tables.sessions.get(sessionId)).toMatchObject({ spent: 10n })
    expect(bench.tables.channels.find('0x1')?.channel).toEqual(told)
  })
})
