/** Signing beforehand: the file of a pool, made where the key is. */
import type { Environment } from './config/environment.ts'
import type { Config } from './config/load.ts'
import { SecretError } from './config/secrets.ts'
import type { Asset } from './money.ts'
import { openWallet } from './open-wallet.ts'
import { chainIdOf, eip712Of } from './rails/x402/assets.ts'
import { presign } from './wallet/presigned-file.ts'
import { openWayOut } from './way-out.ts'

/** Clocks differ: a transfer must be good as soon as its file has arrived. */
const BACKDATED_S = 600

export interface PresignOrder {
  readonly asset: Asset
  readonly to: `0x${string}`
  /** Atomic units. */
  readonly amountAtomic: bigint
  readonly count: number
  /** Milliseconds since 1970. */
  readonly now: number
  readonly valid_ms: number
}

export interface PresignedPool {
  readonly text: string
  readonly from: `0x${string}`
  /** Milliseconds since 1970. */
  readonly until: number
}

/**
 * Signs with the wallet of this configuration.
 * @throws SecretError where its key cannot be read or it has none that signs without a payment; PurserError where it does not sign
 */
export async function presignPool(config: Config, env: Environment, order: PresignOrder): Promise<PresignedPool> {
  const { kind } = config.wallet
  if (kind === 'signer' || kind === 'pool') {
    const why = kind === 'pool' ? 'which has no key' : 'whose signer signs for payments of its ledger only'
    throw new SecretError(
      `The wallet is of kind ${kind}, ${why}. Nothing was signed. Run this with the configuration of the key's machine.`,
    )
  }
  const { asset, to, amountAtomic, count, now, valid_ms } = order
  const chainId = chainIdOf(asset.network)
  if (chainId === undefined)
    throw new SecretError(`On ${asset.network} nothing can be signed beforehand: its transactions live for about a minute.`)
  await using way = await openWayOut(config, env)
  const wallet = await openWallet(config, env, { ask: way.fetch })
  const from = await wallet.address(null)
  if (from.toLowerCase() === to.toLowerCase()) throw new SecretError(`The recipient ${to} is the wallet itself. Nothing was signed.`)
  const now_s = Math.floor(now / 1000)
  const validBefore_s = now_s + Math.floor(valid_ms / 1000)
  const domain = { ...eip712Of(asset), chainId, verifyingContract: evmAddress(asset.address) }
  const text = await presign(wallet, { domain, to, value: amountAtomic, validAfter_s: now_s - BACKDATED_S, validBefore_s, count })
  return { text, from, until: validBefore_s * 1000 }
}

function evmAddress(address: string): `0x${string}` {
  return `0x${address.slice(2)}`
}
