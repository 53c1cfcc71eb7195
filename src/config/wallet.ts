/** The section of the wallet: one shape for each kind of place where the key may be. */
import { join } from 'node:path'
import { z } from 'zod'
import { address, section } from '../session/values.ts'
import { filePath, secret } from './places.ts'
import type { SecretRef } from './secrets.ts'

const KINDS = 'kind is local or signer'

/** The key is in this process. */
export interface LocalWalletConfig {
  readonly kind: 'local'
  readonly key: SecretRef
  /** Opens the key where it is a keystore. */
  readonly password?: SecretRef
}

/** The key is in the signer process. */
export interface SignerWalletConfig {
  readonly kind: 'signer'
  /** Absolute path. */
  readonly socket: string
  readonly address: `0x${string}`
}

/** By `kind`. */
export type WalletConfig = LocalWalletConfig | SignerWalletConfig

export function walletSchema(folder: string) {
  return z.discriminatedUnion('kind', [localSchema(folder), signerSchema(folder)], { error: KINDS })
}

/** The kind that is meant where none is written. */
function localSchema(folder: string) {
  return section({ kind: z.literal('local').optional(), key: secret(folder).exactOptional(), password: secret(folder).exactOptional() })
}

function signerSchema(folder: string) {
  return section({ kind: z.literal('signer'), socket: filePath(folder), address })
}

export type WrittenWallet = z.output<ReturnType<typeof walletSchema>>

/** With what belongs into the data folder where it was not put elsewhere. */
export function completedWallet(written: WrittenWallet, dataDir: string): WalletConfig {
  if (written.kind === 'signer') return written
  const { key = { kind: 'file' as const, path: join(dataDir, 'wallet.key') }, ...rest } = written
  return { ...rest, kind: 'local', key }
}

/** Where each secret of it is written. */
export function secretsOfWallet(wallet: WalletConfig): [path: string, ref: SecretRef][] {
  if (wallet.kind === 'signer') return []
  const { key, password } = wallet
  return [['wallet.key', key], ...(password ? [['wallet.password', password] satisfies [string, SecretRef]] : [])]
}

/** What replicas would each make for themselves (rule R21): the path of what has to be configured, or undefined. */
export function missingInWallet(written: WrittenWallet): string[] | undefined {
  return written.kind !== 'signer' && written.key === undefined ? ['wallet', 'key'] : undefined
}
