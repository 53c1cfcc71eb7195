/** The wallet that the configuration says: beside `house.ts` the only file that names its adapters. */
import { type Clock, systemClock } from './clock.ts'
import type { Environment } from './config/environment.ts'
import type { Config } from './config/load.ts'
import { resolveSecret, resolveWalletKey, type SecretRef } from './config/secrets.ts'
import type { PoolWalletConfig, PreviousWalletConfig, SignerWalletConfig, WalletConfig } from './config/wallet.ts'
import { refused } from './errors.ts'
import type { Fetch } from './http.ts'
import type { Ledger } from './ledger/ledger.ts'
import { createLocalWallet, parseKey } from './wallet/local-key.ts'
import type { PreviousWallet } from './wallet/rotated.ts'
import type { SolanaWallet, Wallet } from './wallet/wallet.ts'

/** What a wallet whose key is elsewhere needs beyond its configuration. */
export interface WalletSurroundings {
  /** The way out to a remote signer. */
  readonly ask?: Fetch
  /** By which it shows a signer process that it is no older copy; it is opened after the wallet. */
  readonly known?: Promise<Pick<Ledger, 'payment' | 'insight'>>
  readonly clock?: Clock
  /** Tells operators what a pool lacks. */
  readonly warned?: (sentence: string, cause?: unknown) => void
  /** Closes the connection. */
  readonly started?: AsyncDisposableStack
}

interface Opening extends WalletSurroundings {
  readonly env: Environment
}

/** @throws SecretError where a secret cannot be had, Error where it is no key or seed */
export async function openWallet(
  { wallet }: Pick<Config, 'wallet'>,
  env: Environment,
  surroundings: WalletSurroundings = {},
): Promise<Wallet> {
  const { solana } = wallet
  const paying = await openWithPrevious(wallet, { ...surroundings, env })
  if (!solana) return paying
  const onSolana = await openSolanaWallet(solana.key, env)
  return Object.assign(paying, { solana: paying.ofSession ? sharedBySessions(onSolana) : onSolana })
}

async function openWithPrevious(wallet: WalletConfig, opening: Opening): Promise<Wallet> {
  const { env } = opening
  const present = await openPresent(wallet, opening)
  const { previous = [] } = wallet
  if (previous.length === 0) return present
  const { createRotatedWallet } = await import('./wallet/rotated.ts')
  return createRotatedWallet(present, await Promise.all(previous.map((one) => openPrevious(one, env))))
}

async function openPresent(wallet: WalletConfig, opening: Opening): Promise<Wallet> {
  const { env, ask = fetch } = opening
  const password = 'password' in wallet ? await passwordOf(wallet, env) : undefined
  switch (wallet.kind) {
    case 'remote': {
      const { createRemoteWallet } = await import('./wallet/remote.ts')
      const token = wallet.token && (await resolveSecret(wallet.token, env))
      return createRemoteWallet({ ...wallet, token, fetch: ask })
    }
    case 'coinbase': {
      const { createCoinbaseWallet } = await import('./wallet/coinbase.ts')
      const apiKeySecret = await resolveSecret(wallet.apiKeySecret, env)
      return createCoinbaseWallet({ ...wallet, apiKeySecret, walletSecret: await resolveSecret(wallet.walletSecret, env), fetch: ask })
    }
    case 'signer':
      return openSigner(wallet, opening)
    case 'pool':
      return openPool(wallet, opening)
    case 'derived':
      // A file that is not there is made with 32 random bytes in hex, which are a seed as well as a key.
      return openSeed(await resolveWalletKey(wallet.seed, env), password)
    case 'local':
      return createLocalWallet({ key: parseKey(await resolveWalletKey(wallet.key, env), password) })
  }
}

async function openSigner(wallet: SignerWalletConfig, { known, started }: Opening): Promise<Wallet> {
  const { createSignerWallet } = await import('./wallet/signer-wallet.ts')
  const nonceOf = async (paymentId: string) => (await (await known)?.payment(paymentId))?.nonce ?? undefined
  const opened = createSignerWallet({ ...wallet, nonceOf })
  started?.use(opened)
  return opened
}

/** Without a ledger it pays nothing: nobody could tell what was used. */
async function openPool({ address, files, longest_ms }: PoolWalletConfig, opening: Opening): Promise<Wallet> {
  const { known, clock = systemClock, warned = () => undefined } = opening
  const { openPoolWallet } = await import('./wallet/pool.ts')
  const used = async (nonces: readonly string[]) => {
    const ledger = await known
    if (!ledger) throw refused('ledger_unavailable', 'A pool pays only where there is a ledger that knows what was used.')
    return ledger.insight.usedNonces(nonces)
  }
  return openPoolWallet({ address, files, longest_ms, used, clock, warned })
}

/** Its files have to be there: a fresh key never paid anything. */
async function openPrevious(previous: PreviousWalletConfig, env: Environment): Promise<PreviousWallet> {
  if ('address' in previous) return (await import('./wallet/rotated.ts')).watchedWallet(previous.address)
  const password = await passwordOf(previous, env)
  if ('seed' in previous) return openSeed(await resolveSecret(previous.seed, env), password)
  return createLocalWallet({ key: parseKey(await resolveSecret(previous.key, env), password) })
}

/** Sessions that pay by names of their own elsewhere share the one key there. */
function sharedBySessions(wallet: SolanaWallet): SolanaWallet {
  return { address: () => wallet.address(null), signTransfer: (_name, transfer) => wallet.signTransfer(null, transfer) }
}

async function openSolanaWallet(key: SecretRef, env: Environment): Promise<SolanaWallet> {
  const { createSolanaWallet, parseSolanaKey } = await import('./wallet/solana-key.ts')
  return createSolanaWallet(parseSolanaKey(await resolveSecret(key, env)))
}

async function openSeed(text: string, password: string | undefined): Promise<Wallet> {
  const [{ createDerivedWallet }, { parseSeed }] = await Promise.all([import('./wallet/derived.ts'), import('./wallet/seed.ts')])
  return createDerivedWallet({ seed: parseSeed(text, password) })
}

async function passwordOf({ password }: { readonly password?: SecretRef }, env: Environment): Promise<string | undefined> {
  return password && resolveSecret(password, env)
}

/** The keystore (version 3) of a key or seed as it stands in a file. @throws Error where it is neither */
export async function encryptedSecret(text: string, password: string): Promise<string> {
  const [{ parseSeed }, { encryptKeystore }] = await Promise.all([import('./wallet/seed.ts'), import('./wallet/keystore.ts')])
  // A key is 32 bytes in hex, and so reads as a seed too.
  return encryptKeystore(parseSeed(text), password)
}
