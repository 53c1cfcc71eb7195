/** Exact by EIP-3009, at the official servers of both versions of x402. */
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { inHeader, startMeddler } from '../../testnet/meddler.ts'
import { startExpressV1, startExpressV2 } from '../../testnet/paid-servers.ts'
import { PAYMENT_HEADER, type Version } from '../../testnet/wire.ts'
import type { RailSpec } from '../rail-world.ts'
import { byGet } from './http.ts'

const START = { 1: startExpressV1, 2: startExpressV2 }

function exact(version: Version): RailSpec {
  return {
    ...{ name: `x402 v${version} exact`, price: 1_000n, charged: 1_000n, afterEnd_ms: 0, differs: {} },
    start: async ({ facilitator, tls, keep, evm }) => {
      const open = async () => {
        const merchant = privateKeyToAddress(generatePrivateKey())
        return keep(await START[version]({ facilitator, tls, merchant, window_s: 15 }))
      }
      const [server, other] = [await open(), await open()]
      // Another recipient and another price.
      const otherTerms = { server: other.url, target: '/data' }
      const meddler = keep(await startMeddler({ carrier: inHeader(PAYMENT_HEADER[version]), server: server.url, other: otherTerms, tls }))
      return { ...evm, meddler, shopping: byGet('/weather') }
    },
  }
}

export const x402V1 = exact(1)
export const x402V2 = exact(2)
