/** MPP's charge, at the official library's server. */
import { inHeader, startMeddler } from '../../testnet/meddler.ts'
import { startMppServer } from '../../testnet/mpp-server.ts'
import type { RailSpec } from '../rail-world.ts'
import { byGet } from './http.ts'

const failing = {
  why: 'the library answers 500 where its facilitator does, and no answer but a challenge is a rejection',
  told: { first: { status: 500, money: 'unknown' } },
}

export const mppCharge: RailSpec = {
  ...{ name: 'mpp charge', price: 1_000n, charged: 1_000n, afterEnd_ms: 0 },
  differs: { 'settlement fails': failing, 'settled, and the server is not told': failing },
  start: async ({ facilitator, tls, keep, evm }) => {
    const server = keep(await startMppServer({ chainId: 84532, facilitatorUrl: facilitator.url, tls }))
    // Another recipient.
    const otherTerms = { server: server.url, target: '/other/goods' }
    const carrier = inHeader('authorization', 'Payment ')
    const meddler = keep(await startMeddler({ carrier, server: server.url, other: otherTerms, tls }))
    return { ...evm, meddler, shopping: byGet('/plain/goods') }
  },
}
