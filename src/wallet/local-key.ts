/** A wallet whose key is in this process. The key lives in a closure: nothing that prints or serialises can reach it. */
import { inspect } from 'node:util'
import { hexToBytes } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { type ChannelConfig, digestDeposit, digestVoucher } from '../channel-digest.ts'
import { refused } from '../errors.ts'
import { digestPermit } from '../permit-digest.ts'
import { ecdsa } from '../secp256k1.ts'
import { digestAllowance } from '../sponsored-allowance.ts'
import { digestCancel, digestTransfer } from '../transfer-digest.ts'
import { digestWithdrawal, signedWithdrawal } from '../withdrawal.ts'
import { decryptKeystore } from './keystore.ts'
import { digestLogin } from './login.ts'
import type {
  CancelAuthorization,
  ChannelDeposit,
  ChannelVoucher,
  Hex,
  KeyWallet,
  Login,
  PermitTransfer,
  SponsoredAllowance,
  TransferAuthorization,
  WithdrawalTransaction,
} from './wallet.ts'

export interface LocalKey {
  /** 32 bytes, a valid secp256k1 key. */
  readonly key: Hex
  /** The name that sessions may ask for; null always means this wallet. */
  readonly name?: string
}

/** @throws Error where the key is no key; the message holds nothing of it. */
export function createLocalWallet({ key, name = 'default' }: LocalKey): KeyWallet {
  const address = addressOf(key)
  // Memory of its own: a small Buffer would lie in a pool that other buffers show.
  const bytes = hexToBytes(key)
  const checkName = (walletName: string | null) => {
    if (walletName !== null && walletName !== name)
      throw refused('not_found', `There is no wallet of this name; the local one is "${name}".`)
  }
  const wallet = {
    async address(walletName: string | null): Promise<Hex> {
      checkName(walletName)
      return address
    },
    async signTransfer(walletName: string | null, data: TransferAuthorization): Promise<Hex> {
      checkName(walletName)
      if (data.from !== address) throw refused('internal_error', 'The transfer is not one of this wallet. Nothing was signed.')
      return ecdsa.signDigest(digestTransfer({ ...data, from: address }), bytes)
    },
    async signCancel(walletName: string | null, data: CancelAuthorization): Promise<Hex> {
      checkName(walletName)
      if (data.authorizer !== address) throw refused('internal_error', 'The authorization is not one of this wallet. Nothing was signed.')
      return ecdsa.signDigest(digestCancel({ ...data, authorizer: address }), bytes)
    },
    async signPermit(walletName: string | null, data: PermitTransfer): Promise<Hex> {
      checkName(walletName)
      if (data.from !== address) throw refused('internal_error', 'The permit is not one of this wallet. Nothing was signed.')
      return ecdsa.signDigest(digestPermit({ ...data, from: address }), bytes)
    },
    async signAllowance(walletName: string | null, data: SponsoredAllowance): Promise<Hex> {
      checkName(walletName)
      if (data.owner !== address) throw refused('internal_error', 'The allowance is not one of this wallet. Nothing was signed.')
      return ecdsa.signDigest(digestAllowance({ ...data, owner: address }), bytes)
    },
    async signLogin(walletName: string | null, data: Login): Promise<Hex> {
      checkName(walletName)
      if (data.address !== address) throw refused('internal_error', 'The login is not one of this wallet. Nothing was signed.')
      return ecdsa.signDigest(digestLogin({ ...data, address }), bytes)
    },
    async signDeposit(walletName: string | null, data: ChannelDeposit): Promise<Hex> {
      checkName(walletName)
      return ecdsa.signDigest(digestDeposit({ ...data, channel: ownChannel(data.channel, address) }), bytes)
    },
    async signVoucher(walletName: string | null, data: ChannelVoucher): Promise<Hex> {
      checkName(walletName)
      return ecdsa.signDigest(digestVoucher({ ...data, channel: ownChannel(data.channel, address) }), bytes)
    },
    async signWithdrawal(walletName: string | null, data: WithdrawalTransaction): Promise<Hex> {
      checkName(walletName)
      const own = { ...data, channel: ownChannel(data.channel, address) }
      return signedWithdrawal(own, await ecdsa.signDigest(digestWithdrawal(own), bytes))
    },
  }
  Object.defineProperty(wallet, inspect.custom, { value: () => `Wallet { ${address} }` })
  return wallet
}

/** A channel that this wallet pays into and that nobody else signs for. */
function ownChannel(channel: ChannelConfig, address: Hex): ChannelConfig {
  if (channel.payer !== address || channel.payerAuthorizer !== address)
    throw refused('internal_error', 'The channel is not one of this wallet. Nothing was signed.')
  return { ...channel, payer: address, payerAuthorizer: address }
}

/** A fresh random key. */
export function generateKey(): Hex {
  return generatePrivateKey()
}

/**
 * Reads a key as it stands in a file: 64 hex digits after `0x`, or a JSON keystore (version 3) with its password.
 * @throws Error where it is neither; the message holds nothing of the text.
 */
export function parseKey(text: string, password?: string): Hex {
  const trimmed = text.trim()
  const key = trimmed.startsWith('{') ? decryptKeystore(trimmed, password) : trimmed
  if (!isKeyText(key)) throw new Error('a wallet key is 0x and 64 hex digits, or a JSON keystore of version 3')
  addressOf(key)
  return key
}

function isKeyText(text: string): text is Hex {
  return /^0x[0-9a-fA-F]{64}$/.test(text)
}

/** No cause: a library's error may quote what it was given. */
function addressOf(key: Hex): Hex {
  try {
    return ecdsa.addressOf(hexToBytes(key))
  } catch {
    throw new Error('the wallet key is not a secp256k1 key')
  }
}
