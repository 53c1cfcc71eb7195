/**
 * What the signatures of a payment channel are over (x402's scheme `batch-settlement` on EVM): the deposit, which is the
 * token's EIP-3009 `ReceiveWithAuthorization` to the collector, and the vouchers, which the escrow takes. A channel is
 * its configuration: the id is a hash of it, and the deposit's nonce one of the id, so neither can be put to another use.
 */
import { LRUCache } from 'lru-cache'
import {
  concatHex,
  encodeAbiParameters,
  type Hex,
  hashDomain,
  hashTypedData,
  hexToBytes,
  keccak256,
  numberToHex,
  pad,
  stringToHex,
  type TypedDataDefinition,
} from 'viem'

/** The same addresses on every chain. A test compares them with the package's. */
export const ESCROW = '0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003'
export const DEPOSIT_COLLECTOR = '0x4020806089470a89826cB9fB1f4059150b550004'

/** What the escrow knows a channel by. Addresses are checksummed. */
export interface ChannelConfig {
  readonly payer: Hex
  /** Whose signature vouchers need. */
  readonly payerAuthorizer: Hex
  readonly receiver: Hex
  /** Who signs claims and refunds for the receiver. */
  readonly receiverAuthorizer: Hex
  readonly token: Hex
  /** Seconds between the payer's wish to withdraw and the withdrawal. */
  readonly withdrawDelay: number
  /** 32 bytes: tells channels apart that agree in all else. */
  readonly salt: Hex
}

/** Amount in atomic units of the token, times in seconds since 1970. */
export interface ChannelDeposit {
  readonly chainId: number
  readonly channel: ChannelConfig
  /** The domain of the channel's token, from our own registry. */
  readonly eip712: { readonly name: string; readonly version: string }
  readonly amount: bigint
  readonly validAfter: bigint
  readonly validBefore: bigint
  /** 32 bytes, another one for every deposit into the channel. */
  readonly salt: Hex
}

export interface ChannelVoucher {
  readonly chainId: number
  readonly channel: ChannelConfig
  /** The most that the receiver may claim since the channel was opened, in atomic units. */
  readonly cumulative: bigint
}

const BYTES32 = /^0x[0-9a-fA-F]{64}$/
const CHANNEL_TYPES = {
  ChannelConfig: [
    { name: 'payer', type: 'address' },
    { name: 'payerAuthorizer', type: 'address' },
    { name: 'receiver', type: 'address' },
    { name: 'receiverAuthorizer', type: 'address' },
    { name: 'token', type: 'address' },
    { name: 'withdrawDelay', type: 'uint40' },
    { name: 'salt', type: 'bytes32' },
  ],
} as const
const VOUCHER_TYPES = {
  Voucher: [
    { name: 'channelId', type: 'bytes32' },
    { name: 'maxClaimableAmount', type: 'uint128' },
  ],
} as const
const DOMAIN_TYPES = {
  EIP712Domain: [
    { name: 'name', type: 'string' },
    { name: 'version', type: 'string' },
    { name: 'chainId', type: 'uint256' },
    { name: 'verifyingContract', type: 'address' },
  ],
}
const DEPOSIT_TYPES = {
  ReceiveWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

/** A voucher needs its channel's id and the escrow's domain several times, and they never change. */
const MAX_CHANNELS = 10_000
const MAX_CHAINS = 100
const ids = new LRUCache<string, Hex>({ max: MAX_CHANNELS })
const separators = new LRUCache<number, Hex>({ max: MAX_CHAINS, memoMethod: separatorOf })
const VOUCHER_TYPE_HASH = keccak256(stringToHex('Voucher(bytes32 channelId,uint128 maxClaimableAmount)'))

/**
 * 32 bytes.
 * @throws Error where a part is not of its type; mixed-case addresses need the right checksum.
 */
export function channelIdOf(channel: ChannelConfig, chainId: number): Hex {
  const { payer, payerAuthorizer, receiver, receiverAuthorizer, token, withdrawDelay, salt } = channel
  const key = [chainId, payer, payerAuthorizer, receiver, receiverAuthorizer, token, withdrawDelay, salt].join()
  const known = ids.get(key)
  if (known !== undefined) return known
  const id = hashChannel(channel, chainId)
  ids.set(key, id)
  return id
}

function hashChannel(channel: ChannelConfig, chainId: number): Hex {
  return hashTypedData({ domain: domainOf(chainId), types: CHANNEL_TYPES, primaryType: 'ChannelConfig', message: { ...channel } })
}

/** The nonce under which the token takes a deposit: it binds the money to the channel. 32 bytes. */
export function depositNonceOf({ channel, chainId, salt }: Pick<ChannelDeposit, 'channel' | 'chainId' | 'salt'>): Hex {
  if (!BYTES32.test(salt)) throw new RangeError('the salt of a deposit is not 32 bytes')
  const words = encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [channelIdOf(channel, chainId), BigInt(salt)])
  return keccak256(words)
}

/** The typed data as a wallet's `eth_signTypedData_v4` takes it. */
export function depositTypedData(deposit: ChannelDeposit): TypedDataDefinition {
  const { chainId, channel, eip712, amount, validAfter, validBefore } = deposit
  const { name, version } = eip712
  return {
    domain: { name, version, chainId, verifyingContract: channel.token },
    types: DEPOSIT_TYPES,
    primaryType: 'ReceiveWithAuthorization',
    message: { from: channel.payer, to: DEPOSIT_COLLECTOR, value: amount, validAfter, validBefore, nonce: depositNonceOf(deposit) },
  }
}

/** The typed data as a wallet's `eth_signTypedData_v4` takes it. */
export function voucherTypedData({ chainId, channel, cumulative }: ChannelVoucher): TypedDataDefinition {
  const message = { channelId: channelIdOf(channel, chainId), maxClaimableAmount: cumulative }
  return { domain: domainOf(chainId), types: VOUCHER_TYPES, primaryType: 'Voucher', message }
}

/** 32 bytes. @throws Error where a part is not of its type. */
export function digestDeposit(deposit: ChannelDeposit): Uint8Array {
  return hexToBytes(hashTypedData(depositTypedData(deposit)))
}

/** 32 bytes, those of `voucherTypedData`. @throws Error where a part is not of its type. */
export function digestVoucher({ chainId, channel, cumulative }: ChannelVoucher): Uint8Array {
  // Whatever is not within 128 bits throws.
  const sum = pad(numberToHex(cumulative, { size: 16 }))
  const struct = keccak256(concatHex([VOUCHER_TYPE_HASH, channelIdOf(channel, chainId), sum]))
  return keccak256(concatHex(['0x1901', separators.memo(chainId), struct]), 'bytes')
}

function separatorOf(chainId: number): Hex {
  return hashDomain<Record<string, unknown>>({ domain: domainOf(chainId), types: DOMAIN_TYPES })
}

function domainOf(chainId: number) {
  return { name: 'x402 Batch Settlement', version: '1', chainId, verifyingContract: ESCROW } as const
}
