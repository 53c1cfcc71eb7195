/** Deposits into payment channels, at the official server: each as much as its one request costs, so that it is all that moves. */
import { HTTPFacilitatorClient } from '@x402/core/server'
import { startCatalogue } from '../../testnet/channels.ts'
import { inHeader, startMeddler } from '../../testnet/meddler.ts'
import { PAYMENT_HEADER } from '../../testnet/wire.ts'
import type { RailSpec } from '../rail-world.ts'
import { byGet } from './http.ts'

export const channelDeposit: RailSpec = {
  ...{ name: 'x402 by channel', price: 1_000n, charged: 1_000n, afterEnd_ms: 0, differs: {} },
  start: async ({ chain, facilitator: { url }, tls, keep, evm }) => {
    const facilitator = new HTTPFacilitatorClient({ url })
    const open = async () => keep(await startCatalogue(chain, tls, { prices: { '/weather': '0.001' }, window_s: 15, facilitator }))
    const [server, other] = [await open(), await open()]
    // Another recipient.
    const otherTerms = { server: other.url, target: '/weather' }
    const meddler = keep(await startMeddler({ carrier: inHeader(PAYMENT_HEADER[2]), server: server.url, other: otherTerms, tls }))
    return { ...evm, meddler, shopping: byGet('/weather') }
  },
}
