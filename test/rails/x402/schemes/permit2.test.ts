import { x402ExactPermit2ProxyAddress, x402UptoPermit2ProxyAddress } from '@x402/evm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PurserError } from '../../../../src/errors.ts'
import type { RawHeaders } from '../../../../src/http.ts'
import type { AuthorizeRequest } from '../../../../src/rails/rail.ts'
import { PAYMENT_HEADER } from '../../../../src/rails/x402/finished.ts'
import { PERMIT2_SPENDERS, PERMIT2_TRANSFER } from '../../../../src/rails/x402/schemes/permit2.ts'
import { proveSigned } from '../../../../src/rails/x402/schemes/scheme.ts'
import type { PermitTransfer } from '../../../../src/wallet/wallet.ts'
import { base64, ENTRY_PERMIT2, ENTRY_UPTO, FACILITATOR, NONCE, offered, REQUIRED_V2, rail, USDC, WINDOW, wallet } from '../challenges.ts'

const entries = { exact: ENTRY_PERMIT2, upto: ENTRY_UPTO }
type Name = keyof typeof entries
const NAMES = ['exact', 'upto'] as const

function requestFor(name: Name): AuthorizeRequest {
  return { ...offered({ ...REQUIRED_V2, accepts: [entries[name]] }), nonce: NONCE, ...WINDOW, walletName: null }
}

interface Payment {
  payload: { signature: string; permit2Authorization: { witness: Record<string, string>; permitted: Record<string, string> } }
}

async function finished(name: Name) {
  const request = requestFor(name)
  const { headers, payer, transfer } = await rail.authorize(request, wallet)
  const payment: Payment = JSON.parse(Buffer.from(headers[1] ?? '', 'base64').toString('utf8'))
  return { headers, transfer, payment, decided: { offer: request.offer, decided: PERMIT2_TRANSFER.build(request, payer), payer } }
}

type Finished = Awaited<ReturnType<typeof finished>>

async function faultOf(headers: RawHeaders, decided: Finished['decided']): Promise<string> {
  const fault = await proveSigned(PERMIT2_TRANSFER, headers, decided).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  return fault instanceof PurserError ? fault.refusal.detail : `no refusal: ${String(fault)}`
}

async function changed(name: Name, change: (payment: Payment) => void): Promise<string> {
  const { decided, payment } = await finished(name)
  change(payment)
  return faultOf([PAYMENT_HEADER[2], base64(payment)], decided)
}

const differs = (part: string) => `The finished payment differs from what was decided (${part}). Nothing was sent.`

it('the spenders are the proxies of the official package', () => {
  expect(PERMIT2_SPENDERS).toEqual({ exact: x402ExactPermit2ProxyAddress, upto: x402UptoPermit2ProxyAddress })
})

describe.each(NAMES)('a payment of scheme %s by permit2', (name) => {
  it('signs the vetted offer for its proxy, up to the last second of our window, by the ledger’s nonce', async () => {
    const { decided, transfer, payment } = await finished(name)
    const witness = { to: decided.offer.payTo, validAfter: BigInt(WINDOW.validAfter_s) }
    expect(decided.decided).toEqual({
      chainId: 84532,
      token: USDC,
      from: decided.payer,
      amount: 10_000n,
      spender: PERMIT2_SPENDERS[name],
      nonce: NONCE,
      deadline: BigInt(WINDOW.validBefore_s - 1),
      witness: name === 'upto' ? { ...witness, facilitator: FACILITATOR } : witness,
    })
    expect(transfer).toEqual({ to: decided.offer.payTo, value: 10_000n, nonce: NONCE })
    expect(payment.payload.permit2Authorization).toMatchObject({ nonce: BigInt(NONCE).toString(), permitted: { amount: '10000' } })
  })

  it.each(['from', 'spender', 'nonce', 'deadline'])('that says another %s is stopped', async (part) => {
    const other = part === 'from' || part === 'spender' ? `0x${'1'.repeat(40)}` : '1'
    expect(await changed(name, ({ payload }) => Object.assign(payload.permit2Authorization, { [part]: other }))).toBe(differs(part))
  })

  it.each(['token', 'amount'])('that permits another %s is stopped', async (part) => {
    const other = part === 'token' ? `0x${'1'.repeat(40)}` : '10001'
    const fault = changed(name, ({ payload }) => Object.assign(payload.permit2Authorization.permitted, { [part]: other }))
    expect(await fault).toBe(differs(part))
  })

  it.each(['to', 'facilitator', 'validAfter'])('whose witness says another %s is stopped', async (part) => {
    const other = part === 'validAfter' ? '1' : `0x${'1'.repeat(40)}`
    const fault = changed(name, ({ payload }) => Object.assign(payload.permit2Authorization.witness, { [part]: other }))
    expect(await fault).toBe(differs(part))
  })

  it.each<[string, (permit: PermitTransfer) => Partial<PermitTransfer>]>([
    ['amount', ({ amount }) => ({ amount: amount * 2n })],
    ['deadline', ({ deadline }) => ({ deadline: deadline + 1n })],
    ['spender', () => ({ spender: FACILITATOR })],
    ['token', () => ({ token: FACILITATOR })],
    ['chain', () => ({ chainId: 8453 })],
    ['nonce', () => ({ nonce: `0x${'00'.repeat(32)}` })],
    ['recipient', ({ witness }) => ({ witness: { ...witness, to: FACILITATOR } })],
    ['facilitator', ({ witness }) => ({ witness: { ...witness, facilitator: USDC } })],
  ])('whose signature covers another %s than it says is stopped', async (_, change) => {
    const { decided, payment } = await finished(name)
    payment.payload.signature = await wallet.signPermit(null, { ...decided.decided, ...change(decided.decided) })
    expect(await faultOf([PAYMENT_HEADER[2], base64(payment)], decided)).toBe(differs('signer'))
  })

  it('with anything more in it is stopped', async () => {
    expect(await changed(name, ({ payload }) => Object.assign(payload, { authorization: {} }))).toBe(differs('shape'))
    expect(await changed(name, ({ payload }) => Object.assign(payload.permit2Authorization, { memo: '' }))).toBe(differs('shape'))
    expect(await changed(name, ({ payload }) => Object.assign(payload.permit2Authorization.witness, { memo: '' }))).toBe(differs('shape'))
  })

  it('is judged after the first as if it were the first one, whatever it says', async () => {
    const { decided, headers } = await finished(name)
    const text = Buffer.from(headers[1] ?? '', 'base64').toString('utf8')
    const anew = { ...decided, offer: { ...decided.offer } }
    const edits = fc.array(fc.tuple(fc.nat(1_500), fc.nat(2), fc.constantFrom('', '0', 'f', '"', '{', '}', ',', ' ', '\\', 'é')), {
      maxLength: 2,
    })
    const holds = fc.asyncProperty(edits, async (changes) => {
      const near = changes.reduce((to, [at, gone, put]) => to.slice(0, at) + put + to.slice(at + gone), text)
      const header: RawHeaders = [PAYMENT_HEADER[2], base64(near)]
      expect(await faultOf(header, decided)).toBe(await faultOf(header, anew))
    })
    await fc.assert(holds, { numRuns: 200 })
  })
})

describe('nothing is signed', () => {
  it('for an upto without the one who may settle it, nor for an exact with one', async () => {
    const payer = await wallet.address(null)
    const { facilitator: _, ...open } = requestFor('upto').offer
    expect(() => PERMIT2_TRANSFER.build({ ...requestFor('upto'), offer: open }, payer)).toThrow(
      'A facilitator belongs to an offer of scheme',
    )
    const closed = { ...requestFor('exact').offer, facilitator: FACILITATOR } as const
    expect(() => PERMIT2_TRANSFER.build({ ...requestFor('exact'), offer: closed }, payer)).toThrow('A facilitator belongs to an offer')
  })

  it('for a scheme that is not one of permit2', async () => {
    const offer = { ...requestFor('exact').offer, scheme: 'batch-settlement' }
    expect(() => PERMIT2_TRANSFER.build({ ...requestFor('exact'), offer }, FACILITATOR)).toThrow('not one of Permit2')
  })
})
