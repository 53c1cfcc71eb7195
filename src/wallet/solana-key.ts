/** A wallet for Solana whose key is in this process. It signs one kind of message, which it writes itself from typed parts. */
import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { inspect } from 'node:util'
import { refused } from '../errors.ts'
import { decodeBase58, encodeBase58 } from '../solana-address.ts'
import { compileTransfer } from '../solana-message.ts'
import type { SolanaTransfer, SolanaWallet } from './wallet.ts'

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const FORMS = 'a Solana key is the JSON list of 64 numbers of a keypair file, its 64 bytes in base 58, or a seed of 64 hex digits'

/**
 * @param seed 32 bytes
 * @param name the name that sessions may ask for; null always means this wallet
 */
export function createSolanaWallet(seed: Uint8Array, name = 'default'): SolanaWallet {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  const address = encodeBase58(publicBytes(key))
  const checkName = (walletName: string | null) => {
    if (walletName !== null && walletName !== name)
      throw refused('not_found', `There is no wallet of this name; the local one is "${name}".`)
  }
  const wallet = {
    async address(walletName: string | null): Promise<string> {
      checkName(walletName)
      return address
    },
    async signTransfer(walletName: string | null, transfer: SolanaTransfer): Promise<Uint8Array> {
      checkName(walletName)
      if (transfer.from !== address) throw refused('internal_error', 'The transfer is not one of this wallet. Nothing was signed.')
      return sign(null, compileTransfer(transfer), key)
    },
  }
  Object.defineProperty(wallet, inspect.custom, { value: () => `SolanaWallet { ${address} }` })
  return wallet
}

/**
 * Reads a key as `solana-keygen` (a list of 64 numbers) or a wallet's export (64 bytes in base 58) writes it, or as 64 hex
 * digits of its seed.
 * @returns the seed, 32 bytes.
 * @throws Error where it is none of them or its two halves do not belong together; the message holds nothing of the text.
 */
export function parseSolanaKey(text: string): Uint8Array {
  const trimmed = text.trim()
  const hex = /^(?:0x)?([0-9a-fA-F]{64})$/.exec(trimmed)?.[1]
  if (hex !== undefined) return Uint8Array.from(Buffer.from(hex, 'hex'))
  const pair = trimmed.startsWith('[') ? listOf(trimmed) : decodeBase58(trimmed)
  if (pair?.length !== 64) throw new Error(FORMS)
  const seed = pair.slice(0, 32)
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' })
  if (!publicBytes(key).equals(pair.subarray(32))) throw new Error('the two halves of the Solana key do not belong together')
  return seed
}

function publicBytes(key: ReturnType<typeof createPrivateKey>): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
}

function listOf(text: string): Uint8Array | undefined {
  try {
    const list: unknown = JSON.parse(text)
    const bytes = Array.isArray(list) && list.every((one) => Number.isInteger(one) && one >= 0 && one <= 255)
    return bytes ? Uint8Array.from(list) : undefined
  } catch {
    return undefined
  }
}
