/** Exact and upto by Permit2, at the official server. */
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { inHeader, startMeddler } from '../../testnet/meddler.ts'
import { startPermitServer } from '../../testnet/permit-server.ts'
import { PAYMENT_HEADER } from '../../testnet/wire.ts'
import type { RailSpec } from '../rail-world.ts'
import { byGet } from './http.ts'

const CHARGED = { exact: 1_000n, upto: 300n }

function byPermit(scheme: 'exact' | 'upto'): RailSpec {
  return {
    ...{ name: `x402 ${scheme} by permit2`, price: 1_000n, charged: CHARGED[scheme], afterEnd_ms: 0, differs: {} },
    start: async ({ facilitator, tls, keep, evm }) => {
      const open = async () => {
        const merchant = privateKeyToAddress(generatePrivateKey())
        return keep(await startPermitServer({ facilitator, tls, merchant }, { window_s: 15 }))
      }
      const [server, other] = [await open(), await open()]
      // Another recipient, and the other one of the two schemes.
      const otherTerms = { server: other.url, target: scheme === 'exact' ? '/upto' : '/exact' }
      const meddler = keep(await startMeddler({ carrier: inHeader(PAYMENT_HEADER[2]), server: server.url, other: otherTerms, tls }))
      return { ...evm, meddler, shopping: byGet(`/${scheme}`) }
    },
  }
}

export const permit2Exact = byPermit('exact')
export const permit2Upto = byPermit('upto')
