/**
 * A wallet with a key for each session, derived from one seed (BIP-32), so that every session has an address of its own,
 * the same after every restart and on every replica. Seed and keys live in closures.
 *
 * The default wallet is m/44'/60'/0'/0/0, the first account of common wallets. That of session `ses_…` is
 * m/402'/a'/b'/c'/d'/e', where a to e are the first five words of 32 bits (big endian) of
 * SHA-256("purser session wallet 1\n" + id), each without its highest bit: 155 bits, hardened, so that no session's key
 * tells anything of another's.
 */
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { LRUCache } from 'lru-cache'
import { HDKey } from 'viem/accounts'
import { refused } from '../errors.ts'
import { MAX_DERIVED_KEYS } from '../wallet-limits.ts'
import { createLocalWallet } from './local-key.ts'
import type { Hex, KeyWallet } from './wallet.ts'

const DEFAULT_NAME = 'default'
const DEFAULT_PATH = "m/44'/60'/0'/0/0"
const SESSION_PURPOSE = 402
const LEVELS = 5
const HIGHEST_BIT = 0x80000000
const SESSION = /^ses_[A-Za-z0-9_-]{1,100}$/

/**
 * @param seed 16 to 64 bytes
 * @throws Error where it is no seed
 */
export function createDerivedWallet({ seed }: { readonly seed: Uint8Array }): KeyWallet {
  const open = accountsOf(seed)
  const known = new LRUCache<string, KeyWallet>({ max: MAX_DERIVED_KEYS, memoMethod: open })
  const first = open(DEFAULT_NAME)
  const of = (walletName: string | null): KeyWallet => {
    if (walletName === null || walletName === DEFAULT_NAME) return first
    if (!SESSION.test(walletName)) throw refused('not_found', `There is no wallet of this name; each session has its own, by its id.`)
    return known.memo(walletName)
  }
  const wallet: KeyWallet = {
    ofSession: (sessionId) => sessionId,
    address: async (walletName) => of(walletName).address(null),
    signTransfer: async (walletName, data) => of(walletName).signTransfer(null, data),
    signCancel: async (walletName, data) => of(walletName).signCancel(null, data),
    signPermit: async (walletName, data) => of(walletName).signPermit(null, data),
    signAllowance: async (walletName, data) => of(walletName).signAllowance(null, data),
    signLogin: async (walletName, data) => of(walletName).signLogin(null, data),
    signDeposit: async (walletName, data) => of(walletName).signDeposit(null, data),
    signVoucher: async (walletName, data) => of(walletName).signVoucher(null, data),
    signWithdrawal: async (walletName, data) => of(walletName).signWithdrawal(null, data),
  }
  Object.defineProperty(wallet, inspect.custom, { value: () => 'Wallet { a key for each session }' })
  return wallet
}

function accountsOf(seed: Uint8Array): (name: string) => KeyWallet {
  const root = rootOf(seed)
  const sessions = root.deriveChild(HIGHEST_BIT + SESSION_PURPOSE)
  return (name) => {
    const key =
      name === DEFAULT_NAME ? root.derive(DEFAULT_PATH) : levelsOf(name).reduce((from, index) => from.deriveChild(index), sessions)
    return createLocalWallet({ key: keyOf(key) })
  }
}

/** Hardened indexes. */
function levelsOf(sessionId: string): number[] {
  const digest = createHash('sha256').update(`purser session wallet 1\n${sessionId}`, 'utf8').digest()
  return Array.from({ length: LEVELS }, (_, level) => HIGHEST_BIT + (digest.readUInt32BE(level * 4) % HIGHEST_BIT))
}

function keyOf({ privateKey }: HDKey): Hex {
  if (!privateKey) throw new Error('a derived key has no private part')
  return `0x${Buffer.from(privateKey).toString('hex')}`
}

/** No cause: a library's error may quote what it was given. */
function rootOf(seed: Uint8Array): HDKey {
  try {
    return HDKey.fromMasterSeed(seed)
  } catch {
    throw new Error('the wallet seed is not 16 to 64 bytes')
  }
}
