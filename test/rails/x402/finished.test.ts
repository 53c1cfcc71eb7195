import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PurserError } from '../../../src/errors.ts'
import type { RawHeaders } from '../../../src/http.ts'
import { PAYMENT_HEADER, versionOf } from '../../../src/rails/x402/finished.ts'
import { EIP3009 } from '../../../src/rails/x402/schemes/eip3009.ts'
import { type Decided as DecidedBy, proveSigned } from '../../../src/rails/x402/schemes/scheme.ts'
import { createLocalWallet, generateKey } from '../../../src/wallet/local-key.ts'
import type { TransferAuthorization } from '../../../src/wallet/wallet.ts'
import { base64, NONCE, offered, REQUIRED_V1, REQUIRED_V2, rail, WINDOW, wallet } from './challenges.ts'

type Version = 1 | 2
type Decided = DecidedBy<TransferAuthorization>

const prove = (headers: RawHeaders, decided: Decided) => proveSigned(EIP3009, headers, decided)

async function finished(version: Version): Promise<{ decided: Decided; headers: RawHeaders; payment: Payment }> {
  const { challenge, offer } = offered(version === 1 ? REQUIRED_V1 : REQUIRED_V2)
  const request = { challenge, offer, nonce: NONCE, ...WINDOW, walletName: null }
  const { headers, payer } = await rail.authorize(request, wallet)
  const payment: Payment = JSON.parse(Buffer.from(headers[1] ?? '', 'base64').toString('utf8'))
  return { decided: { offer, decided: EIP3009.build(request, payer), payer }, headers, payment }
}

interface Payment {
  x402Version: number
  scheme?: string
  network?: string
  accepted?: Record<string, unknown>
  payload: { signature: string; authorization: Record<string, string> }
}

async function faultOf(headers: RawHeaders, decided: Decided): Promise<string> {
  const fault = await prove(headers, decided).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  if (!(fault instanceof PurserError)) return `no refusal: ${String(fault)}`
  return `${fault.refusal.code}: ${fault.refusal.detail}`
}

const differs = (part: string) => `internal_error: The finished payment differs from what was decided (${part}). Nothing was sent.`

/** The other signature by which the same signer is recovered, and which token contracts refuse. */
function mirrored(signature: string): string {
  const s = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n - BigInt(`0x${signature.slice(66, 130)}`)
  return `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${signature.endsWith('1b') ? '1c' : '1b'}`
}

/** What the header says after `change`, under the right name. */
async function changed(version: Version, change: (payment: Payment) => void): Promise<string> {
  const { decided, payment } = await finished(version)
  change(payment)
  return faultOf([PAYMENT_HEADER[version], base64(payment)], decided)
}

describe.each<Version>([1, 2])('a finished payment of version %s', (version) => {
  it('that says what was decided passes', async () => {
    const { headers, decided } = await finished(version)
    await expect(prove(headers, decided)).resolves.toBeUndefined()
  })

  it.each(['from', 'to', 'value', 'validAfter', 'validBefore', 'nonce'])('that says another %s is stopped', async (part) => {
    const other = part === 'from' || part === 'to' ? `0x${'1'.repeat(40)}` : part === 'nonce' ? `0x${'00'.repeat(32)}` : '1'
    expect(await changed(version, ({ payload }) => Object.assign(payload.authorization, { [part]: other }))).toBe(differs(part))
  })

  it('whose signature is of another key is stopped', async () => {
    const { decided, payment } = await finished(version)
    const stranger = createLocalWallet({ key: generateKey() })
    const from = await stranger.address(null)
    payment.payload.signature = await stranger.signTransfer(null, { ...decided.decided, from })
    expect(await faultOf([PAYMENT_HEADER[version], base64(payment)], decided)).toBe(differs('signer'))
  })

  it.each<[string, (transfer: TransferAuthorization) => Partial<TransferAuthorization>]>([
    ['value', () => ({ value: 1_000_000_000n })],
    ['recipient', () => ({ to: `0x${'1'.repeat(40)}` })],
    ['window', () => ({ validBefore: 200_000_000_000n })],
    ['nonce', () => ({ nonce: `0x${'00'.repeat(32)}` })],
    ['token', ({ domain }) => ({ domain: { ...domain, verifyingContract: `0x${'1'.repeat(40)}` } })],
    ['chain', ({ domain }) => ({ domain: { ...domain, chainId: 8453 } })],
    ['domain name', ({ domain }) => ({ domain: { ...domain, name: 'USD Coin' } })],
    ['domain version', ({ domain }) => ({ domain: { ...domain, version: '1' } })],
  ])('whose signature covers another %s than the header says is stopped', async (_, change) => {
    const { decided, payment } = await finished(version)
    payment.payload.signature = await wallet.signTransfer(null, { ...decided.decided, ...change(decided.decided) })
    expect(await faultOf([PAYMENT_HEADER[version], base64(payment)], decided)).toBe(differs('signer'))
  })

  it.each<[string, (signature: string) => string]>([
    ['empty', () => '0x'],
    ['too long', (signature) => `${signature}00`],
    ['with a recovery byte of 0', (signature) => `${signature.slice(0, -2)}00`],
    ['too short', (signature) => signature.slice(0, -2)],
    ['with a recovery byte of 29', (signature) => `${signature.slice(0, -2)}1d`],
    ['in capitals', (signature) => `0x${signature.slice(2).toUpperCase()}`],
    ['the mirrored one of the same message', mirrored],
  ])('whose signature is %s is stopped', async (_, change) => {
    const fault = changed(version, ({ payload }) => Object.assign(payload, { signature: change(payload.signature) }))
    expect(await fault).toBe(differs('form of the signature'))
  })

  it('whose signature recovers to nobody is stopped', async () => {
    expect(await changed(version, ({ payload }) => Object.assign(payload, { signature: `0x${'00'.repeat(64)}1b` }))).toBe(differs('signer'))
  })

  it('with anything more in it is stopped', async () => {
    expect(await changed(version, (payment) => Object.assign(payment, { note: 'x' }))).toBe(differs('shape'))
    expect(await changed(version, ({ payload }) => Object.assign(payload, { permit: {} }))).toBe(differs('shape'))
    expect(await changed(version, ({ payload }) => Object.assign(payload.authorization, { memo: '' }))).toBe(differs('shape'))
  })

  it('under another header name, or beside another header, is stopped', async () => {
    const { headers, decided } = await finished(version)
    const value = headers[1] ?? ''
    expect(await faultOf([PAYMENT_HEADER[version === 1 ? 2 : 1], value], decided)).toBe(differs('header'))
    expect(await faultOf([...headers, 'X-Forwarded-For', '1'], decided)).toBe(differs('header'))
    expect(await faultOf([], decided)).toBe(differs('header'))
  })
})

describe('a finished payment', () => {
  it('that echoes another offer than the decided one is stopped', async () => {
    expect(await changed(2, ({ accepted }) => Object.assign(accepted ?? {}, { amount: '1' }))).toBe(differs('accepted offer'))
    expect(await changed(2, ({ accepted }) => Object.assign(accepted ?? {}, { more: null }))).toBe(differs('accepted offer'))
  })

  it('of version 1 that names another network or scheme is stopped', async () => {
    expect(await changed(1, (payment) => Object.assign(payment, { network: 'base' }))).toBe(differs('network'))
    expect(await changed(1, (payment) => Object.assign(payment, { scheme: 'upto' }))).toBe(differs('scheme'))
  })

  it('of the other version is stopped', async () => {
    const [one, two] = [await finished(1), await finished(2)]
    expect(await faultOf([PAYMENT_HEADER[2], one.headers[1] ?? ''], two.decided)).toBe(differs('version'))
  })

  it('has the version that its offer has', async () => {
    expect(versionOf((await finished(1)).decided.offer)).toBe(1)
    expect(versionOf((await finished(2)).decided.offer)).toBe(2)
  })
})

describe('a payment of an offer that was proven before', () => {
  /** Any text that is near a finished payment: some characters of it replaced, left out or put in. */
  const edits = fc.array(
    fc.tuple(fc.nat(1_200), fc.nat(2), fc.constantFrom('', '0', 'f', '"', '{', '}', ',', ' ', '\\', 'é', '"payload":{}')),
    {
      maxLength: 2,
    },
  )

  it.each<Version>([1, 2])('in version %s is judged as if it were the first one, whatever it says', async (version) => {
    const { decided, headers } = await finished(version)
    const text = Buffer.from(headers[1] ?? '', 'base64').toString('utf8')
    // What is not frozen is read whole each time.
    const anew = { ...decided, offer: { ...decided.offer } }
    const holds = fc.asyncProperty(edits, async (changes) => {
      const near = changes.reduce((to, [at, gone, put]) => to.slice(0, at) + put + to.slice(at + gone), text)
      const header: RawHeaders = [PAYMENT_HEADER[version], base64(near)]
      expect(await faultOf(header, decided)).toBe(await faultOf(header, anew))
    })
    await fc.assert(holds, { numRuns: 400 })
  })

  it('is not taken in another spelling of base64', async () => {
    const { decided, headers } = await finished(2)
    const value = headers[1] ?? ''
    expect(await faultOf([PAYMENT_HEADER[2], `${value.slice(0, 8)} ${value.slice(8)}`], decided)).toMatch(/^no refusal: Error: Invalid/)
  })

  it('that says its payload twice is stopped, wherever the other one stands', async () => {
    const { decided, payment } = await finished(2)
    const { payload, ...rest } = payment
    const twice = JSON.stringify(rest).replace(
      /}$/,
      `,"payload":${JSON.stringify({ ...payload, signature: '0x' })},"payload":${JSON.stringify(payload)}}`,
    )
    const header: RawHeaders = [PAYMENT_HEADER[2], base64(twice)]
    expect(await faultOf(header, { ...decided, offer: Object.freeze({ ...decided.offer }) })).toBe(differs('shape'))
    expect(await faultOf(header, decided)).toBe(differs('shape'))
  })
})
