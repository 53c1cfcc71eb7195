/** Names of chains. The one truth is CAIP-2; what people and the first protocol version write instead is a closed table. */

/** Alias → CAIP-2. A name that is not in it means nothing: a server cannot bring a network of its own. */
export const NETWORK_ALIASES: Readonly<Record<string, string>> = {
  ethereum: 'eip155:1',
  'ethereum-mainnet': 'eip155:1',
  sepolia: 'eip155:11155111',
  'ethereum-sepolia': 'eip155:11155111',
  base: 'eip155:8453',
  'base-mainnet': 'eip155:8453',
  'base-sepolia': 'eip155:84532',
  abstract: 'eip155:2741',
  'abstract-testnet': 'eip155:11124',
  arbitrum: 'eip155:42161',
  'arbitrum-mainnet': 'eip155:42161',
  'arbitrum-sepolia': 'eip155:421614',
  avalanche: 'eip155:43114',
  'avalanche-mainnet': 'eip155:43114',
  'avalanche-fuji': 'eip155:43113',
  celo: 'eip155:42220',
  educhain: 'eip155:41923',
  flare: 'eip155:14',
  iotex: 'eip155:4689',
  megaeth: 'eip155:4326',
  monad: 'eip155:143',
  peaq: 'eip155:3338',
  polygon: 'eip155:137',
  'polygon-mainnet': 'eip155:137',
  'polygon-amoy': 'eip155:80002',
  sei: 'eip155:1329',
  'sei-testnet': 'eip155:1328',
  'skale-base-sepolia': 'eip155:324705682',
  stable: 'eip155:988',
  'stable-testnet': 'eip155:2201',
  story: 'eip155:1514',
  solana: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
  'solana-devnet': 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1',
  'solana-testnet': 'solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z',
}

const CAIP_2 = /^[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}$/
/** A leading zero would be a second name for the same chain. */
const EVM = /^eip155:(0|[1-9][0-9]{0,14})$/

/** The CAIP-2 name for an alias or a CAIP-2 name; undefined for everything else. Letter case counts. */
export function resolveNetwork(name: string): string | undefined {
  if (Object.hasOwn(NETWORK_ALIASES, name)) return NETWORK_ALIASES[name]
  if (name.startsWith('eip155:')) return EVM.test(name) ? name : undefined
  return CAIP_2.test(name) ? name : undefined
}

const TESTNETS: ReadonlySet<string> = new Set([
  ...Object.entries(NETWORK_ALIASES).flatMap(([alias, network]) => (/-(testnet|devnet|sepolia|fuji|amoy)$/.test(alias) ? [network] : [])),
  'eip155:11155111',
  /** The local chains of anvil and Hardhat, and of Ganache. */
  'eip155:31337',
  'eip155:1337',
])

/** Whether money on this network (CAIP-2) is play money. False for every network that is not known to be a test one. */
export function isTestnet(network: string): boolean {
  return TESTNETS.has(network)
}
