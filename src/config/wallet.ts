/** The section of the wallet: one shape for each kind of place where the key may be. */
import { join } from 'node:path'
import { z } from 'zod'
import { MAX_PRESIGNED_FILES, MAX_PRESIGNED_WINDOW_MS, PRESIGNED_WINDOW_MS } from '../presigned-limits.ts'
import { evmAddress, positiveDuration, section, wanted } from '../session/values.ts'
import { MAX_PREVIOUS_WALLETS, MAX_REMOTE_TIMEOUT_MS, REMOTE_TIMEOUT_MS } from '../wallet-limits.ts'
import { type OuterCeilingsConfig, outerCeilingsShape } from './outer-ceilings.ts'
import { filePath, hookUrl, secret } from './places.ts'
import type { SecretRef } from './secrets.ts'

const SECRETS = ['key', 'seed', 'password', 'token', 'apiKeySecret', 'walletSecret'] as const
const KINDS = 'kind is local, derived, remote, coinbase, signer or pool'

/** The key is in this process. */
export interface LocalWalletConfig {
  readonly kind: 'local'
  readonly key: SecretRef
  /** Opens the key where it is a keystore. */
  readonly password?: SecretRef
}

/** A key for each session, from one seed in this process. */
export interface DerivedWalletConfig {
  readonly kind: 'derived'
  readonly seed: SecretRef
  /** Opens the seed where it is a keystore. */
  readonly password?: SecretRef
}

/** The key is with an HTTP signer. */
export interface RemoteWalletConfig {
  readonly kind: 'remote'
  readonly url: string
  readonly address: `0x${string}`
  /** Bearer token. */
  readonly token?: SecretRef
  readonly timeout_ms: number
}

/** The key is with Coinbase (CDP). */
export interface CoinbaseWalletConfig {
  readonly kind: 'coinbase'
  readonly url: string
  readonly address: `0x${string}`
  readonly apiKeyId: string
  readonly apiKeySecret: SecretRef
  readonly walletSecret: SecretRef
  readonly timeout_ms: number
}

/** The key is in a process of its own (`purser signer`), behind a socket. */
export interface SignerWalletConfig {
  readonly kind: 'signer'
  readonly socket: string
  readonly address: `0x${string}`
}

/** No key: transfers that were signed beforehand (`purser wallet presign`), in files. */
export interface PoolWalletConfig {
  readonly kind: 'pool'
  readonly files: readonly string[]
  /** Who signed them. */
  readonly address: `0x${string}`
  /** How long one may still live when it is taken. */
  readonly longest_ms: number
}

/** One that paid before. With its key or seed what it has open can still be cancelled; its address alone is enough for all else. */
export type PreviousWalletConfig =
  | { readonly address: `0x${string}` }
  | { readonly key: SecretRef; readonly password?: SecretRef }
  | { readonly seed: SecretRef; readonly password?: SecretRef }

/** By `kind`. */
export type WalletConfig = (
  | LocalWalletConfig
  | DerivedWalletConfig
  | RemoteWalletConfig
  | CoinbaseWalletConfig
  | SignerWalletConfig
  | PoolWalletConfig
) & {
  /** The latest first. */
  readonly previous?: readonly PreviousWalletConfig[]
  /** What pays on Solana, whatever pays elsewhere. */
  readonly solana?: { readonly key: SecretRef }
} & OuterCeilingsConfig

export function walletSchema(folder: string) {
  const kinds = [
    localSchema(folder),
    derivedSchema(folder),
    remoteSchema(folder),
    coinbaseSchema(folder),
    signerSchema(folder),
    poolSchema(folder),
  ] as const
  return z.discriminatedUnion('kind', kinds, { error: KINDS })
}

/** The kind that is meant where none is written. */
function localSchema(folder: string) {
  return section({ kind: z.literal('local').optional(), key: secret(folder).exactOptional(), ...sharedBy(folder) })
}

function derivedSchema(folder: string) {
  return section({ kind: z.literal('derived'), seed: secret(folder), ...sharedBy(folder) })
}

function remoteSchema(folder: string) {
  const { previous, solana } = sharedBy(folder)
  return section({
    kind: z.literal('remote'),
    url: hookUrl,
    address: evmAddress,
    token: secret(folder).exactOptional(),
    timeout: timeoutSchema(),
    previous,
    solana,
    ...outerCeilingsShape,
  })
}

function timeoutSchema() {
  return positiveDuration
    .refine((span_ms) => span_ms <= MAX_REMOTE_TIMEOUT_MS, { error: `at most ${MAX_REMOTE_TIMEOUT_MS / 1000}s` })
    .default(REMOTE_TIMEOUT_MS)
}

function coinbaseSchema(folder: string) {
  const { previous, solana } = sharedBy(folder)
  return section({
    kind: z.literal('coinbase'),
    url: hookUrl.default('https://api.cdp.coinbase.com/platform'),
    address: evmAddress,
    apiKeyId: z.string({ error: wanted('write the id of the API key') }).min(1, { error: 'must not be empty' }),
    apiKeySecret: secret(folder),
    walletSecret: secret(folder),
    timeout: timeoutSchema(),
    previous,
    solana,
    ...outerCeilingsShape,
  })
}

function signerSchema(folder: string) {
  const { previous, solana } = sharedBy(folder)
  return section({ kind: z.literal('signer'), socket: filePath(folder), address: evmAddress, previous, solana, ...outerCeilingsShape })
}

function poolSchema(folder: string) {
  const { previous, solana } = sharedBy(folder)
  const files = z
    .array(filePath(folder), { error: wanted('write a list of files') })
    .min(1, { error: 'name at least one file' })
    .max(MAX_PRESIGNED_FILES, { error: `at most ${MAX_PRESIGNED_FILES} files` })
  const maxWindow = positiveDuration
    .refine((span_ms) => span_ms <= MAX_PRESIGNED_WINDOW_MS, { error: `at most ${MAX_PRESIGNED_WINDOW_MS / 86_400_000}d` })
    .default(PRESIGNED_WINDOW_MS)
  return section({ kind: z.literal('pool'), files, address: evmAddress, maxWindow, previous, solana, ...outerCeilingsShape })
}

function sharedBy(folder: string) {
  return {
    password: secret(folder).exactOptional(),
    previous: previousSchema(folder).exactOptional(),
    solana: section({ key: secret(folder) }).exactOptional(),
    ...outerCeilingsShape,
  }
}

function previousSchema(folder: string) {
  const password = secret(folder).exactOptional()
  const one = z.union(
    [section({ address: evmAddress }), section({ key: secret(folder), password }), section({ seed: secret(folder), password })],
    {
      error: 'write one of address, key and seed, with a password where it is a keystore',
    },
  )
  return z.array(one, { error: wanted('write a list') }).max(MAX_PREVIOUS_WALLETS, { error: `at most ${MAX_PREVIOUS_WALLETS} wallets` })
}

export type WrittenWallet = z.output<ReturnType<typeof walletSchema>>

/** With what belongs into the data folder where it was not put elsewhere. */
export function completedWallet(written: WrittenWallet, dataDir: string): WalletConfig {
  if (written.kind === 'derived' || written.kind === 'signer') return written
  if (written.kind === 'pool') {
    const { maxWindow, ...rest } = written
    return { ...rest, longest_ms: maxWindow }
  }
  if (written.kind === 'remote' || written.kind === 'coinbase') {
    const { timeout, ...rest } = written
    return { ...rest, timeout_ms: timeout }
  }
  const { key = { kind: 'file' as const, path: join(dataDir, 'wallet.key') }, ...rest } = written
  return { ...rest, kind: 'local', key }
}

/** Where each secret of it is written. */
export function secretsOfWallet(wallet: WalletConfig): [path: string, ref: SecretRef][] {
  const { previous = [], solana = {}, ...present } = wallet
  return [
    ...secretsIn('wallet', present),
    ...secretsIn('wallet.solana', solana),
    ...previous.flatMap((one, place) => secretsIn(`wallet.previous[${place}]`, one)),
  ]
}

/** By the names of their settings. */
function secretsIn(
  path: string,
  settings: { readonly [name in (typeof SECRETS)[number]]?: SecretRef } & { readonly address?: string },
): [path: string, ref: SecretRef][] {
  return SECRETS.flatMap((name) => (settings[name] ? [[`${path}.${name}`, settings[name]] satisfies [string, SecretRef]] : []))
}

/** What replicas would each make for themselves (rule R21): the path of what has to be configured, or undefined. */
export function missingInWallet(written: WrittenWallet): string[] | undefined {
  return (written.kind ?? 'local') === 'local' && !('key' in written) ? ['wallet', 'key'] : undefined
}
