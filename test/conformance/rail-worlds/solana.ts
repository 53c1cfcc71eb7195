/** Exact on Solana, at the official server with the official facilitator. */
import { inHeader, startMeddler } from '../../testnet/meddler.ts'
import { type SolanaFault, startSolanaShop } from '../../testnet/solana-servers.ts'
import { PAYMENT_HEADER } from '../../testnet/wire.ts'
import type { RailHouse } from '../rail-house.ts'
import type { Fault, RailSpec, RailWorld } from '../rail-world.ts'
import { byGet } from './http.ts'

const FAULTS: Record<Fault, SolanaFault> = {
  'verify: invalid': 'invalid',
  'settle: error': 'before',
  'settle: revert': 'before',
  'settle: lost': 'after',
}
const SLOT_MS = 400
/** What the shop asks for. */
const WINDOW_MS = 60_000
/** More than the blocks below the newest that are not final yet. */
const UNTIL_FINAL = 40

export const solanaExact: RailSpec = {
  ...{ name: 'x402 exact on solana', price: 1_000n, charged: 1_000n },
  // A blockhash may be younger than we know, and what is final is behind.
  afterEnd_ms: 60_000,
  differs: {
    'settlement reverts on the chain': {
      never: true,
      why: 'the facilitator simulates what it sends, and here the next block is the one that it has simulated',
    },
  },
  start: async (house) => {
    const { solana, tls, keep } = house
    const shop = keep(await startSolanaShop(solana, tls))
    // The same merchant asks for another token.
    const otherTerms = { server: shop.url, target: '/paypal' }
    const meddler = keep(await startMeddler({ carrier: inHeader(PAYMENT_HEADER[2]), server: shop.url, other: otherTerms, tls }))
    return {
      ...{ meddler, shopping: byGet('/weather'), ...chainOf(house) },
      fault: (fault) => shop.breakNext(FAULTS[fault]),
      faults: () => shop.faults.length,
    }
  },
}

function chainOf({ solana, solanaPayer, time }: RailHouse): Pick<RailWorld, 'settled' | 'finalize' | 'passUntil'> {
  return {
    settled: async () =>
      solana.executed.filter(({ failed, accounts }) => !failed && accounts.includes(solanaPayer)).map(({ amount }) => amount),
    // Whoever looked before it was final looks again at the end of the window.
    finalize: async () => {
      time.forward(WINDOW_MS + 1_000)
      solana.pass(UNTIL_FINAL)
    },
    passUntil: async (moment_ms) => {
      const past_ms = moment_ms - time.clock.now()
      time.forward(past_ms)
      solana.pass(Math.ceil(past_ms / SLOT_MS))
    },
  }
}
