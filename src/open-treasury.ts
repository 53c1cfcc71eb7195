/** The treasury that the configuration says, put together: who pays, who hands in, and what runs for it. Loaded where there is one. */
import { uniformAddress } from './address.ts'
import { chainIdOf, checksummed } from './chain/eip3009.ts'
import { createSender } from './chain/gas-wallet.ts'
import { transferCall } from './chain/transfer-call.ts'
import { type Config, ConfigError } from './config/load.ts'
import { resolveSecret, type SecretRef } from './config/secrets.ts'
import type { TreasuryConfig } from './config/treasury.ts'
import { createFunder } from './funding/funder.ts'
import { isFunded } from './funding/plan.ts'
import { createRounds, type FundingRounds } from './funding/rounds.ts'
import { createTreasury, type Treasury } from './funding/treasury.ts'
import { FUNDING_GAS } from './funding-limits.ts'
import type { House } from './house.ts'
import { withFunding } from './ledger/funded.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { Asset } from './money.ts'
import { createLocalWallet, parseKey } from './wallet/local-key.ts'

/** @throws ConfigError where the token is not known on its network */
export function treasuryAsset({ network, token }: TreasuryConfig, assets: readonly Asset[]): Asset {
  const named = assets.filter(
    (asset) => asset.network === network && (asset.symbol === token || uniformAddress(asset.address) === uniformAddress(token)),
  )
  const [asset] = named
  if (asset?.eip712 && named.length === 1) return { ...asset, address: checksummed(asset.address) }
  const message = `${token} is not one token of ${network} that is known here; write its address, and list it under assets`
  throw new ConfigError([{ path: 'wallet.treasury.token', message }])
}

/** The ledger through which sessions are opened, topped up and ended. */
export function fundedLedger(
  ledger: Ledger,
  { asset, wallet, clock }: Pick<House, 'wallet' | 'clock'> & { readonly asset: Asset },
): Ledger {
  return withFunding(ledger, {
    addressFor: async (session) => (isFunded(session, asset) ? wallet.address(session.id) : undefined),
    clock,
  })
}

type Needed = Pick<House, 'config' | 'env' | 'fetch' | 'wallet' | 'keys' | 'ledger' | 'chain' | 'clock' | 'telemetry'>

/** @throws SecretError where a key cannot be had, ConfigError where it is the wallet's own */
export async function openTreasury(config: TreasuryConfig, asset: Asset, house: Needed): Promise<Treasury> {
  const { wallet, keys, fetch } = house
  const key = await keyOf(config, house)
  const purse = createLocalWallet({ key })
  if ((await purse.address(null)) === (await wallet.address(null))) {
    throw new ConfigError([{ path: 'wallet.treasury.key', message: 'pays sessions already; the treasury needs a key of its own' }])
  }
  const sender = createSender({ key: config.relayer ? await keyOf(config.relayer, house) : key, networks: reachable(house.config), fetch })
  return createTreasury({
    ...{ asset, wallet, nonceSecret: keys.nonce, chainId: chainIdOf(asset.network), purse },
    deliver: (move) => sender.send({ network: move.network, call: transferCall(move), gas: FUNDING_GAS }),
  })
}

/** Not started yet. */
export function fundingRounds(treasury: Treasury, { ledger, chain, clock, telemetry: { events } }: Needed): FundingRounds {
  const store = ledger.fundings
  return createRounds({ store, clock, events, attend: createFunder({ ledger, store, chain, clock, events, treasury }) })
}

async function keyOf({ key, password }: { readonly key: SecretRef; readonly password?: SecretRef }, { env }: Pick<House, 'env'>) {
  return parseKey(await resolveSecret(key, env), password && (await resolveSecret(password, env)))
}

function reachable({ networks }: Config) {
  return networks.flatMap(({ id, rpc }) => (rpc === undefined ? [] : [{ id, rpc }]))
}
