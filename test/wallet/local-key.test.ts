import { inspect } from 'node:util'
import { parseTransaction, recoverTransactionAddress, type TransactionSerializedLegacy, verifyTypedData } from 'viem'
import { describe, expect, it } from 'vitest'
import { digestDeposit, digestVoucher, ESCROW } from '../../src/channel-digest.ts'
import { ecdsa } from '../../src/secp256k1.ts'
import { createLocalWallet, generateKey, parseKey } from '../../src/wallet/local-key.ts'
import type { CancelAuthorization, ChannelConfig, TransferAuthorization, Wallet } from '../../src/wallet/wallet.ts'
import { withdrawalOf } from './operations.ts'

const KEY = `0x${'c0ffee11'.repeat(8)}` as const
const CANARY = KEY.slice(2, 34)
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

const CANCEL_TYPES = {
  CancelAuthorization: [
    { name: 'authorizer', type: 'address' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const

async function cancelOf(wallet: Wallet): Promise<CancelAuthorization> {
  const { domain, nonce } = await transferOf(wallet)
  return { domain, nonce, authorizer: await wallet.address(null) }
}

async function transferOf(wallet: Wallet): Promise<TransferAuthorization> {
  return {
    domain: { name: 'USDC', version: '2', chainId: 84532, verifyingContract: '0x036CbD53842c5426634e7929541eC2318f3dCF7e' },
    from: await wallet.address(null),
    to: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
    value: 10_000n,
    validAfter: 0n,
    validBefore: 1_800_000_000n,
    nonce: `0x${'ab'.repeat(32)}`,
  }
}

describe('local wallet', () => {
  it('signs a transfer so that its own address verifies', async () => {
    const wallet = createLocalWallet({ key: KEY })
    const transfer = await transferOf(wallet)
    const { domain, ...message } = transfer
    const signature = await wallet.signTransfer(null, transfer)
    const address = await wallet.address(null)
    expect(signature).toMatch(/^0x[0-9a-f]{130}$/)
    expect(await verifyTypedData({ address, domain, types: TYPES, primaryType: 'TransferWithAuthorization', message, signature })).toBe(
      true,
    )
  })

  it('gives the same bytes for the same transfer', async () => {
    const wallet = createLocalWallet({ key: KEY })
    const transfer = await transferOf(wallet)
    expect(await wallet.signTransfer(null, transfer)).toBe(await wallet.signTransfer('default', transfer))
  })

  it('signs nothing that another address would pay', async () => {
    const wallet = createLocalWallet({ key: KEY })
    const foreign = { ...(await transferOf(wallet)), from: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C' } as const
    await expect(wallet.signTransfer(null, foreign)).rejects.toMatchObject({ refusal: { code: 'internal_error' } })
  })

  it('signs a cancellation so that its own address verifies', async () => {
    const wallet = createLocalWallet({ key: KEY })
    const { domain, ...message } = await cancelOf(wallet)
    const signature = await wallet.signCancel(null, { domain, ...message })
    const typed = { domain, types: CANCEL_TYPES, primaryType: 'CancelAuthorization', message } as const
    expect(await verifyTypedData({ address: await wallet.address(null), ...typed, signature })).toBe(true)
  })

  it('cancels nothing of another address', async () => {
    const wallet = createLocalWallet({ key: KEY })
    const foreign = { ...(await cancelOf(wallet)), authorizer: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C' } as const
    await expect(wallet.signCancel(null, foreign)).rejects.toMatchObject({ refusal: { code: 'internal_error' } })
  })

  it('answers to null and to its own name, and to no other', async () => {
    const wallet = createLocalWallet({ key: KEY, name: 'research' })
    expect(await wallet.address('research')).toBe(await wallet.address(null))
    await expect(wallet.address('default')).rejects.toMatchObject({ refusal: { code: 'not_found' } })
    await expect(wallet.signTransfer('', await transferOf(wallet))).rejects.toMatchObject({ refusal: { code: 'not_found' } })
    await expect(wallet.signCancel('', await cancelOf(wallet))).rejects.toMatchObject({ refusal: { code: 'not_found' } })
  })

  it('has no operation but an address and typed signatures', () => {
    const operations = Reflect.ownKeys(createLocalWallet({ key: KEY })).filter((name) => typeof name === 'string')
    const typed = ['signTransfer', 'signCancel', 'signPermit', 'signAllowance', 'signLogin', 'signDeposit', 'signVoucher', 'signWithdrawal']
    expect(operations).toEqual(['address', ...typed])
  })

  it('shows its address and never its key, however it is printed', async () => {
    const wallet = createLocalWallet({ key: KEY })
    const shown = [
      inspect(wallet, { depth: 10, showHidden: true }),
      inspect({ wallet }, { depth: 10, showHidden: true, customInspect: false }),
      JSON.stringify(wallet),
      String(wallet),
      JSON.stringify(Object.getOwnPropertyDescriptors(wallet)),
      wallet.signTransfer.toString(),
      wallet.signCancel.toString(),
    ].join('\n')
    expect(shown).toContain(await wallet.address(null))
    expect(shown.toLowerCase()).not.toContain(CANARY)
  })

  it('never names the key in an error, nor in what hangs on it', async () => {
    const broken = [
      () => createLocalWallet({ key: `${KEY}${CANARY}` }),
      () => createLocalWallet({ key: `0x${'f'.repeat(64)}` }),
      () => parseKey(`${KEY}00`),
      () => parseKey(KEY.slice(2)),
      () => parseKey(`{"key":"${KEY}"}`, CANARY),
    ]
    for (const attempt of broken) {
      const fault = catchFault(attempt)
      expect(fault).toBeInstanceOf(Error)
      expect(inspect(fault, { depth: 10, showHidden: true })).not.toMatch(new RegExp(`${CANARY}|f{64}`))
    }
    const wallet = createLocalWallet({ key: KEY })
    const malformed = { ...(await transferOf(wallet)), value: -1n }
    const fault = await wallet.signTransfer(null, malformed).catch((cause: unknown) => cause)
    expect(fault).toBeInstanceOf(Error)
    expect(inspect(fault, { depth: 10, showHidden: true })).not.toContain(CANARY)
  })
})

describe('channels of a local wallet', () => {
  const terms = { chainId: 84532, amount: 50_000n, validAfter: 0n, validBefore: 1_800_000_000n, salt: `0x${'5a'.repeat(32)}` } as const

  async function channelOf(wallet: Wallet): Promise<ChannelConfig> {
    const { domain, from, to } = await transferOf(wallet)
    const parties = { payer: from, payerAuthorizer: from, receiver: to, receiverAuthorizer: to, token: domain.verifyingContract }
    return { ...parties, withdrawDelay: 900, salt: `0x${'a5'.repeat(32)}` }
  }

  it('are filled and vouched for by signatures of its address', async () => {
    const wallet = createLocalWallet({ key: KEY })
    const channel = await channelOf(wallet)
    const deposit = { ...terms, channel, eip712: { name: 'USDC', version: '2' } }
    const voucher = { chainId: terms.chainId, channel, cumulative: 1_000n }
    const address = await wallet.address(null)
    expect(await ecdsa.isSignedBy(digestDeposit(deposit), await wallet.signDeposit(null, deposit), address)).toBe(true)
    expect(await ecdsa.isSignedBy(digestVoucher(voucher), await wallet.signVoucher('default', voucher), address)).toBe(true)
  })

  it.each(['payer', 'payerAuthorizer'] as const)('get no signature where another address is the %s', async (role) => {
    const wallet = createLocalWallet({ key: KEY })
    const own = await channelOf(wallet)
    const channel = { ...own, [role]: own.receiver }
    const refusal = { refusal: { code: 'internal_error' } }
    await expect(wallet.signDeposit(null, { ...terms, channel, eip712: { name: 'USDC', version: '2' } })).rejects.toMatchObject(refusal)
    await expect(wallet.signVoucher(null, { chainId: 84532, channel, cumulative: 1n })).rejects.toMatchObject(refusal)
    await expect(wallet.signWithdrawal(null, { ...withdrawalOf(own.payer), channel })).rejects.toMatchObject(refusal)
  })

  it('are left by transactions of its address, which carry no money and go to the escrow', async () => {
    const wallet = createLocalWallet({ key: KEY })
    const address = await wallet.address(null)
    for (const amount of [5n, null]) {
      const raw = await wallet.signWithdrawal(null, withdrawalOf(address, amount))
      expect(await recoverTransactionAddress({ serializedTransaction: raw as TransactionSerializedLegacy })).toBe(address)
      const { to, value } = parseTransaction(raw)
      expect([to, value ?? 0n]).toEqual([ESCROW.toLowerCase(), 0n])
    }
  })
})

describe('keys', () => {
  it('are read with blanks around them, as editors leave them', () => {
    expect(parseKey(`  ${KEY}\n`)).toBe(KEY)
  })

  it.each(['', '0x', `0x${'0'.repeat(64)}`, `0x${'g'.repeat(64)}`, `0X${'1'.repeat(64)}`, `${KEY} ${KEY}`])(
    'that are none are refused: %s',
    (text) => {
      expect(() => parseKey(text)).toThrow(/wallet key/)
    },
  )

  it('that are generated are valid and fresh', () => {
    const [first, second] = [generateKey(), generateKey()]
    expect(parseKey(first)).toBe(first)
    expect(first).not.toBe(second)
  })
})

function catchFault(attempt: () => unknown): unknown {
  try {
    attempt()
    return undefined
  } catch (fault) {
    return fault
  }
}
