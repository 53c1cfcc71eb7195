import { describe, expect, it } from 'vitest'
import { digestPermit } from '../../src/permit-digest.ts'
import { ecdsa } from '../../src/secp256k1.ts'
import { digestTransfer } from '../../src/transfer-digest.ts'
import { SignerBook } from '../../src/wallet/signer-book.ts'
import { createSignerDesk, type SignerDeskOptions, type Signing } from '../../src/wallet/signer-desk.ts'
import type { PermitTransfer, TransferAuthorization } from '../../src/wallet/wallet.ts'

const NOW = Date.UTC(2026, 10, 23, 12)
const KEY = Buffer.alloc(32, 7)
const ADDRESS = ecdsa.addressOf(KEY)
const TOKEN = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
const TO = '0x1111111111111111111111111111111111111111'
const purpose = { sessionId: 's1', paymentId: 'p1' }

function desk(over: Partial<SignerDeskOptions> = {}) {
  const journal = { append: async () => undefined, [Symbol.asyncDispose]: async () => undefined }
  const book = new SignerBook({ perPayment: 10_000_000n, perSession: 25_000_000n, perDay: 100_000_000n })
  const assets = [{ chainId: 84532, token: TOKEN.toLowerCase(), decimals: 6 }]
  return createSignerDesk({ key: KEY, assets, book, journal, now: () => NOW, ...over })
}
const transfer = (over: Partial<TransferAuthorization> = {}): TransferAuthorization => ({
  ...{ domain: { name: 'USDC', version: '2', chainId: 84532, verifyingContract: TOKEN }, from: ADDRESS, to: TO, value: 10_000_000n },
  ...{ validAfter: 0n, validBefore: BigInt(NOW / 1000 + 120), nonce: `0x${'11'.repeat(32)}`, ...over },
})
const pay = (over: Partial<TransferAuthorization> = {}): Signing => ({ id: 1, op: 'transfer', purpose, data: transfer(over) })

describe('the desk of the signer', () => {
  it('G5: signs the digest that it makes of what it is shown', async () => {
    const answer = await desk().answer(pay())
    expect(answer).toMatchObject({ kind: 'signed' })
    const signature = answer.kind === 'signed' ? answer.signature : '0x'
    expect(await ecdsa.isSignedBy(digestTransfer(transfer()), signature, ADDRESS)).toBe(true)
  })

  it('counts permits and transfers together, and refuses what is beyond', async () => {
    const one = desk()
    const data: PermitTransfer = {
      ...{ chainId: 84532, token: TOKEN, from: ADDRESS, amount: 10_000_000n, spender: TO, nonce: `0x${'22'.repeat(32)}` },
      ...{ deadline: BigInt(NOW / 1000 + 120), witness: { to: TO, validAfter: 0n } },
    }
    const permit = await one.answer({ id: 1, op: 'permit', purpose, data })
    expect(await ecdsa.isSignedBy(digestPermit(data), permit.kind === 'signed' ? permit.signature : '0x', ADDRESS)).toBe(true)
    expect(await one.answer(pay())).toMatchObject({ kind: 'signed' })
    expect(await one.answer(pay({ nonce: `0x${'33'.repeat(32)}` }))).toMatchObject({ kind: 'refused', code: 'spending_limit_exceeded' })
  })

  it.each<[string, Partial<TransferAuthorization>]>([
    ['a token that is not listed', { domain: { ...transfer().domain, verifyingContract: TO } }],
    ['a network that is not listed', { domain: { ...transfer().domain, chainId: 8453 } }],
    ['a window beyond the longest', { validBefore: BigInt(NOW / 1000 + 601) }],
    ['an amount without end', { value: 2n ** 256n - 1n }],
    ['a payer that is not its own', { from: TO }],
  ])('does not sign %s', async (_, over) => {
    expect(await desk().answer(pay(over))).toMatchObject({ kind: 'refused' })
  })

  it('pays only its recipients where there is a list', async () => {
    expect(await desk({ recipients: new Set() }).answer(pay())).toMatchObject({ kind: 'refused' })
    expect(await desk({ recipients: new Set([TO]) }).answer(pay())).toMatchObject({ kind: 'signed' })
  })

  it('rounds a token with more decimals up, never to nothing', async () => {
    const book = new SignerBook({ perPayment: 0n, perSession: 0n, perDay: 0n })
    const assets = [{ chainId: 84532, token: TOKEN.toLowerCase(), decimals: 18 }]
    expect(await desk({ book, assets }).answer(pay({ value: 1n }))).toMatchObject({ kind: 'refused' })
  })

  it('G2: signs nothing that is not in the journal', async () => {
    const append = () => Promise.reject(new Error('disk full'))
    const journal = { append, [Symbol.asyncDispose]: async () => undefined }
    expect(await desk({ journal }).answer(pay())).toMatchObject({ kind: 'refused', code: 'internal_error' })
  })

  it('signs cancellations and logins of its own address, which move no money', async () => {
    const { domain, nonce } = transfer()
    expect(await desk().answer({ id: 1, op: 'cancel', data: { domain, authorizer: ADDRESS, nonce } })).toMatchObject({ kind: 'signed' })
    const data = {
      domain: 'a.example',
      address: ADDRESS,
      uri: 'https://a.example/',
      chainId: 1,
      nonce: '12345678',
      issuedAt: '2026-11-23T12:00:00Z',
    }
    expect(await desk().answer({ id: 1, op: 'login', data })).toMatchObject({ kind: 'signed' })
    expect(await desk().answer({ id: 1, op: 'login', data: { ...data, address: TO } })).toMatchObject({ kind: 'refused' })
  })
})
