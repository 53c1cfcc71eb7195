/** The chain as a replica can ask it: after a while, for final blocks, or not at all. */
import type { Chain, ChainFinding, Incoming, SignedTransfer } from '../../src/chain/chain.ts'
import { RPC_TIMEOUT_MS } from '../../src/limits.ts'
import { NETWORK, USDC } from '../testnet/chain.ts'
import type { Agenda, Life } from './agenda.ts'
import type { ChainModel } from './chain-model.ts'
import type { Random } from './random.ts'

export interface ChainPortOptions {
  readonly agenda: Agenda
  readonly random: Random
  readonly life: Life
  readonly chain: ChainModel
  readonly chainKnown: boolean
  readonly chainUp: () => boolean
}

export function chainPort(options: ChainPortOptions): Chain {
  const { agenda, random, life, chain, chainKnown, chainUp } = options
  const ask = async <T>(answer: () => T): Promise<T> => {
    await agenda.pause(random.spread(1, 300), life)
    if (!chainUp()) {
      await agenda.pause(random.spread(1, RPC_TIMEOUT_MS), life)
      throw new Error('the RPC server does not answer')
    }
    const known = answer()
    await agenda.pause(random.spread(1, 300), life)
    return known
  }
  return {
    networks: chainKnown ? [NETWORK] : [],
    find: (transfer) =>
      ask(() => findingOf(chain, transfer)).catch(() => ({ kind: 'unavailable', reason: 'The RPC server does not answer.' })),
    time: () => ask(() => ({ time_s: chain.timeOf(chain.head), block: BigInt(chain.head) })),
    incoming: ({ after, wallet }) => ask(() => incomingOf(chain, { after, wallet })),
    balance: () => ask(() => 1_000_000_000n),
    allowance: () => ask(() => 1_000_000_000n),
  }
}

function incomingOf(chain: ChainModel, { after, wallet }: { readonly after: bigint | undefined; readonly wallet: string }) {
  const returns = after === undefined ? [] : chain.finalReturns().filter(({ block }) => BigInt(block) > after)
  const transfers = returns.map(({ from, amount, transaction, block }): Incoming => {
    const place = { transaction, logIndex: 0, block: BigInt(block) }
    return { network: NETWORK, token: USDC, from, to: wallet, amountAtomic: amount, ...place }
  })
  return { transfers, upTo: BigInt(chain.finalBlock) }
}

/** Only what a final block shows is certain. */
function findingOf(chain: ChainModel, { nonce, validBefore_s, amountAtomic, payTo }: SignedTransfer): ChainFinding {
  const use = chain.finalUse(nonce)
  if (!use) {
    const { finalBlock } = chain
    const time_s = chain.timeOf(finalBlock)
    if (time_s >= validBefore_s) return { kind: 'dead', block: BigInt(finalBlock), time_s }
    return { kind: 'open', reason: 'Its window is open, or no final block has closed it.' }
  }
  const { call, transaction, time_s } = use
  const block = BigInt(use.block)
  if (call.kind === 'cancel') return { kind: 'cancelled', transaction, block }
  const signed = call.value === amountAtomic && call.to.toLowerCase() === payTo.toLowerCase()
  return signed
    ? { kind: 'settled', transaction, block, time_s }
    : { kind: 'used_otherwise', transaction, block, reason: 'Another transfer.' }
}
