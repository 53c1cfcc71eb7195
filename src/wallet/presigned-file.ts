/**
 * Files of transfers that were signed beforehand: `count` transfers (EIP-3009) of one amount to one recipient, each with a
 * random nonce. Whoever has the file can hand them in for as long as they live, at its recipient's door and nowhere else.
 */
import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { getAddress } from 'viem'
import { z } from 'zod'
import { MAX_PRESIGNED_IN_FILE, PRESIGNED_AT_ONCE } from '../presigned-limits.ts'
import { ecdsa } from '../secp256k1.ts'
import { digestTransfer } from '../transfer-digest.ts'
import type { Hex, TransferAuthorization, Wallet } from './wallet.ts'

/** A file cannot be used; the message says why and holds no signature. */
export class PresignedError extends Error {
  override readonly name = 'PresignedError'
}

export interface PresignedTransfer extends TransferAuthorization {
  /** 65 bytes. */
  readonly signature: Hex
}

const KIND = 'purser presigned transfers'
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/)
const nonce = z.string().regex(/^0x[0-9a-f]{64}$/)
const signature = z.string().regex(/^0x[0-9a-f]{130}$/)
/** Times in seconds since 1970, the value in atomic units. */
const schema = z.strictObject({
  kind: z.literal(KIND),
  version: z.literal(1),
  domain: z.strictObject({ name: z.string(), version: z.string(), chainId: z.int().positive(), verifyingContract: address }),
  from: address,
  to: address,
  value: z.string().regex(/^[1-9][0-9]{0,77}$/),
  validAfter: z.int().nonnegative(),
  validBefore: z.int().positive(),
  transfers: z.array(z.strictObject({ nonce, signature })).min(1).max(MAX_PRESIGNED_IN_FILE),
})
type Written = z.infer<typeof schema>

/** What all transfers of a file share. */
export interface PresignRequest {
  readonly domain: TransferAuthorization['domain']
  readonly to: Hex
  /** Atomic units. */
  readonly value: bigint
  /** Seconds since 1970. */
  readonly validAfter_s: number
  readonly validBefore_s: number
  readonly count: number
}

/**
 * Signs so many transfers, one after the other, and returns the text of the file, which was read again.
 * @throws PurserError where the wallet does not sign
 */
export async function presign(wallet: Pick<Wallet, 'address' | 'signTransfer'>, request: PresignRequest): Promise<string> {
  const { domain, to, value, validAfter_s, validBefore_s, count } = request
  const from = await wallet.address(null)
  const shared = { domain, from, to, value, validAfter: BigInt(validAfter_s), validBefore: BigInt(validBefore_s) }
  const transfers: { nonce: string; signature: string }[] = []
  for (let made = 0; made < count; made += 1) {
    const nonce: Hex = `0x${randomBytes(32).toString('hex')}`
    transfers.push({ nonce, signature: await wallet.signTransfer(null, { ...shared, nonce }) })
  }
  const written: Written = {
    ...{ kind: KIND, version: 1, domain, from, to, value: `${value}`, validAfter: validAfter_s, validBefore: validBefore_s },
    transfers,
  }
  const text = `${JSON.stringify(written, null, 1)}\n`
  await readPresigned(text, from)
  return text
}

/**
 * The transfers of a file, each signed by this address.
 * @throws PresignedError where it is no such file, is of another address, names a nonce twice, or holds a signature that is
 * not over what stands beside it
 */
export async function readPresigned(text: string, from: Hex): Promise<readonly PresignedTransfer[]> {
  const written = parse(text)
  if (getAddress(written.from) !== getAddress(from)) throw new PresignedError(`its transfers are from ${written.from}, not from ${from}`)
  const { domain, value, validAfter, validBefore, transfers } = written
  const shared = {
    domain: { ...domain, verifyingContract: getAddress(domain.verifyingContract) },
    ...{ from: getAddress(from), to: getAddress(written.to), value: BigInt(value) },
    ...{ validAfter: BigInt(validAfter), validBefore: BigInt(validBefore) },
  }
  const read = transfers.map((one): PresignedTransfer => ({ ...shared, nonce: hexOf(one.nonce), signature: hexOf(one.signature) }))
  if (new Set(read.map(({ nonce }) => nonce)).size < read.length) throw new PresignedError('a nonce stands in it twice')
  for (const [place, transfer] of read.entries()) {
    // A file that is replaced is read while payments go on.
    if (place % PRESIGNED_AT_ONCE === 0) await turn()
    if (await isGenuine(transfer)) continue
    throw new PresignedError(`the signature of transfer ${place + 1} is not one of ${transfer.from} over this transfer`)
  }
  return read
}

function parse(text: string): Written {
  const parsed = schema.safeParse(jsonIn(text))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new PresignedError(`it is no file of presigned transfers${issue ? ` (${issue.path.join('.') || 'whole file'})` : ''}`)
  }
  if (parsed.data.validAfter >= parsed.data.validBefore) throw new PresignedError('its window is no window')
  return parsed.data
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A domain or amount that has no digest was signed by nobody. */
async function isGenuine(transfer: PresignedTransfer): Promise<boolean> {
  try {
    return await ecdsa.isSignedBy(digestTransfer(transfer), transfer.signature, transfer.from)
  } catch {
    return false
  }
}

function hexOf(text: string): Hex {
  return `0x${text.slice(2)}`
}
