/** Signing a payment: the digest and the signature, ours by libsecp256k1 and by JavaScript, against viem. */
import { randomBytes } from 'node:crypto'
import { getAddress, type Hex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { type Ecdsa, native, openPortable } from '../../src/secp256k1.ts'
import { digestTransfer } from '../../src/transfer-digest.ts'
import { NETWORK, USDC } from '../testnet/chain.ts'
import { shown, type Table } from './report.ts'
import { median, ratioOf } from './statistics.ts'

const ROUNDS = 5
const TYPES = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

const AIMS: Readonly<Record<string, string>> = { 'Purser, portable': '≥ 3', 'Purser, native': '≥ 7' }

const key = generatePrivateKey()
const keyBytes = Buffer.from(key.slice(2), 'hex')
const account = privateKeyToAccount(key)

function transfer() {
  return {
    domain: { name: 'USDC', version: '2', chainId: Number(NETWORK.split(':')[1]), verifyingContract: getAddress(USDC) },
    from: account.address,
    to: getAddress('0x70997970C51812dc3A010C7d01b50e0d17dc79C8'),
    value: 1000n,
    validAfter: 0n,
    validBefore: 2_000_000_000n,
    nonce: `0x${randomBytes(32).toString('hex')}` as Hex,
  }
}

const signerOf = (ecdsa: Ecdsa) => (one: ReturnType<typeof transfer>) => ecdsa.signDigest(digestTransfer(one), keyBytes)

const viem = ({ domain, ...message }: ReturnType<typeof transfer>) =>
  account.signTypedData({ domain, types: TYPES, primaryType: 'TransferWithAuthorization', message })

const portable = openPortable()

const CONTENDERS: Readonly<Record<string, (one: ReturnType<typeof transfer>) => Promise<Hex>>> = {
  'viem signTypedData (its curve is noble)': viem,
  ...(portable && { 'Purser, portable': signerOf(portable) }),
  ...(native && { 'Purser, native': signerOf(native) }),
}

/** All sign the same first, and must agree to the byte. @throws Error where they do not. */
export async function signingTable({ duration_ms }: { readonly duration_ms: number }): Promise<Table> {
  const same = transfer()
  const signatures = await Promise.all(Object.values(CONTENDERS).map((sign) => sign(same)))
  if (new Set(signatures).size !== 1) throw new Error('the signers do not agree')
  const rates = Object.values(CONTENDERS).map((): number[] => [])
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [at, sign] of Object.values(CONTENDERS).entries()) {
      const rate = await rateOf(sign, duration_ms)
      if (round > 0) rates[at]?.push(rate)
    }
  }
  const [base = []] = rates
  const rows = Object.keys(CONTENDERS).map((name, at) => [
    name,
    shown(median(rates[at] ?? []), 0),
    shown(ratioOf(rates[at] ?? [], base), 2),
    AIMS[name] ?? '',
  ])
  return { rows: [['signing, one thread', 'signatures/s', '÷ viem', 'aim'], ...rows] }
}

async function rateOf(sign: (one: ReturnType<typeof transfer>) => Promise<Hex>, duration_ms: number): Promise<number> {
  const started = performance.now()
  let signed = 0
  for (; performance.now() - started < duration_ms; signed++) await sign(transfer())
  return (signed / (performance.now() - started)) * 1000
}
