/**
 * The dollar stablecoins of the protocol's own table (`DEFAULT_ASSETS` of @x402/svm), as a table of ours for the reason
 * that stands in ../stablecoins.ts. A test compares the two.
 */
import type { Asset } from '../../../money.ts'
import { TOKEN_2022_PROGRAM, TOKEN_PROGRAM, type TokenProgram } from '../../../solana-address.ts'

const MAINNET = 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp'
const DEVNET = 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1'
const TESTNET = 'solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z'

export const MINTS: readonly (readonly [network: string, mint: string, symbol: string, decimals: number, tokenProgram: TokenProgram])[] = [
  [MAINNET, 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v', 'USDC', 6, TOKEN_PROGRAM],
  [MAINNET, 'Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB', 'USDT', 6, TOKEN_PROGRAM],
  [MAINNET, '2u1tszSeqZ3qBWF3uNGPFc8TzMk2tdiwknnRMWGWjGWH', 'USDG', 6, TOKEN_2022_PROGRAM],
  [MAINNET, '2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo', 'PYUSD', 6, TOKEN_2022_PROGRAM],
  [MAINNET, 'CASHx9KJUStyftLFWGvEVf59SGeG9sh5FfcnZMVPCASH', 'CASH', 6, TOKEN_2022_PROGRAM],
  [DEVNET, '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU', 'USDC', 6, TOKEN_PROGRAM],
  [DEVNET, '4F6PM96JJxngmHnZLBh9n58RH4aTVNWvDs2nuwrT5BP7', 'USDG', 6, TOKEN_2022_PROGRAM],
  [DEVNET, 'CXk2AMBfi3TwaEL2468s6zP8xq9NxTXjp9gjMgzeUynM', 'PYUSD', 6, TOKEN_2022_PROGRAM],
  [TESTNET, '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU', 'USDC', 6, TOKEN_PROGRAM],
  [TESTNET, '4F6PM96JJxngmHnZLBh9n58RH4aTVNWvDs2nuwrT5BP7', 'USDG', 6, TOKEN_2022_PROGRAM],
  [TESTNET, 'CXk2AMBfi3TwaEL2468s6zP8xq9NxTXjp9gjMgzeUynM', 'PYUSD', 6, TOKEN_2022_PROGRAM],
]

/** Each at a peg of one to one. */
export function knownMints(): Asset[] {
  return MINTS.map(([network, address, symbol, decimals, tokenProgram]) => ({
    ...{ network, address, symbol, decimals, tokenProgram },
    ...{ currency: 'USD', rate: 1_000_000n },
  }))
}
