/** Two kinds of chains as one: each network is asked by the one that knows it. */
import type { Chain, ChainHistory } from './chain.ts'
import type { SolanaChain } from './solana-chain.ts'

/** What only EVM networks tell, such as transfers back, is asked of those alone. */
export function joinChains(evm: Chain & ChainHistory, solana: SolanaChain): Chain & ChainHistory {
  const known = new Set(solana.networks)
  const of = (network: string) => (known.has(network) ? solana : evm)
  return {
    ...evm,
    networks: [...evm.networks, ...solana.networks],
    find: (transfer) => of(transfer.network).find(transfer),
    time: (network) => of(network).time(network),
    balance: (query) => of(query.network).balance(query),
    recentBlock: (network) => solana.recentBlock(network),
  }
}
