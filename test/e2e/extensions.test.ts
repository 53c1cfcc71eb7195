/** Extensions of x402 on official servers that settle on a real chain: signed offers and receipts, ids of purchases, logins. */
import { x402ResourceServer } from '@x402/core/server'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { paymentMiddleware } from '@x402/express'
import { declareDiscoveryExtension } from '@x402/extensions/bazaar'
import { createEIP712OfferReceiptIssuer, createOfferReceiptExtension, declareOfferReceiptExtension } from '@x402/extensions/offer-receipt'
import { declarePaymentIdentifierExtension, PAYMENT_IDENTIFIER } from '@x402/extensions/payment-identifier'
import { createSIWxResourceServerExtension, declareSIWxExtension, InMemorySIWxStorage } from '@x402/extensions/sign-in-with-x'
import express from 'express'
import { generatePrivateKey, privateKeyToAccount, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Hex } from '../../src/wallet/wallet.ts'
import { NETWORK } from '../testnet/chain.ts'
import { type Doors, openDoors } from '../testnet/doors.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

const signer = privateKeyToAccount(generatePrivateKey())

interface Shop extends Doors {
  /** What the login hook of the server saw, in order. */
  readonly logins: string[]
}

/** The extension wants its own origin, which is known when it listens. */
async function startShop(testnet: Testnet): Promise<Shop> {
  const app = express()
  const doors = await openDoors(app, testnet.tls)
  const logins: string[] = []
  const sales = new x402ResourceServer(testnet.facilitator.adapter).register(NETWORK, new ExactEvmScheme())
  const issuer = createEIP712OfferReceiptIssuer(`did:pkh:eip155:1:${signer.address}`, (typed) => signer.signTypedData(typed as never))
  sales.registerExtension(createOfferReceiptExtension(issuer))
  sales.registerExtension(
    createSIWxResourceServerExtension({
      origin: doors.httpsUrl,
      storage: new InMemorySIWxStorage(),
      onEvent: ({ type }) => logins.push(type),
    }),
  )
  const merchant = privateKeyToAddress(generatePrivateKey())
  const accepts = { scheme: 'exact', network: NETWORK, payTo: merchant, maxTimeoutSeconds: 60, price: '$0.001' } as const
  const receipts = declareOfferReceiptExtension({ includeTxHash: true })
  const identifier = { [PAYMENT_IDENTIFIER]: declarePaymentIdentifierExtension(false) }
  const bazaar = declareDiscoveryExtension({ output: { example: {} } })
  app.use(
    paymentMiddleware(
      {
        'GET /signed': { accepts, extensions: { ...receipts, ...identifier, ...bazaar } },
        'GET /report': { accepts, extensions: { ...declareSIWxExtension({ statement: 'I owe you everything.' }) } },
        'GET /other': { accepts, extensions: { ...declareSIWxExtension() } },
      },
      sales,
    ),
  )
  app.use((request, response) => void response.json({ sold: request.path }))
  return { ...doors, logins }
}

let testnet: Testnet
let shop: Shop
let purser: RunningPurser
let session: OpenSession

async function start(listing: object): Promise<RunningPurser> {
  const config = openConfig([testnet.caFile])
  const started = await startPurser({
    ...config,
    recipients: { verified: [{ host: 'localhost', ...listing }] },
    proxy: { ...(config.proxy as object), routes: [{ prefix: '/shop/', upstream: `${shop.httpsUrl}/` }] },
  })
  await testnet.fund(started.app.walletAddress as Hex, 1_000_000n)
  return started
}

beforeAll(async () => {
  testnet = await startTestnet()
  shop = await startShop(testnet)
  purser = await start({ signers: [signer.address], signIn: true })
})
beforeEach(async () => {
  session = await purser.openSession()
  shop.logins.length = 0
})
afterAll(async () => {
  await purser?.[Symbol.asyncDispose]()
  await shop?.[Symbol.asyncDispose]()
  await testnet?.[Symbol.asyncDispose]()
})

function ask(path: string, { by = session, at = purser, ...init }: { by?: OpenSession; at?: RunningPurser } & RequestInit = {}) {
  return fetch(`${at.app.proxyUrl}/shop${path}`, { ...init, headers: { ...init.headers, 'purser-session': by.token } })
}

async function receiptsOf({ id }: OpenSession) {
  const { items } = await purser.admin<{ items: Record<string, never>[] }>(`/v1/receipts?session=${id}`)
  return items
}

describe('signed offers and receipts', () => {
  it('are verified, kept with the payment, and named by who signed them', async () => {
    const answer = await ask('/signed')
    expect(answer.status).toBe(200)
    const [receipt] = await receiptsOf(session)
    const { evidence = [] } = (receipt?.context ?? {}) as { evidence?: string[] }
    expect(evidence.join('\n')).toContain(`The offer is signed by ${signer.address}, a listed signer of this recipient: {"format":"eip712"`)
    expect(evidence).toContain('The server describes the resource as http GET.')
    expect(receipt?.settlement).toContain(
      `It gives a receipt signed by ${signer.address}, a listed signer of this recipient. It agrees with the payment: {"format":"eip712"`,
    )
    expect(purser.log.join('')).not.toContain('contradicts')
  })

  it('a purchase has one id at the server, which its receipt shows', async () => {
    await ask('/signed')
    const paid = shop.requests.findLast(({ headers }) => headers.some((name) => name.toLowerCase() === 'payment-signature'))
    const at = paid?.headers.findIndex((name) => name.toLowerCase() === 'payment-signature') ?? -1
    const said = JSON.parse(Buffer.from(paid?.headers[at + 1] ?? '', 'base64').toString())
    const { id } = said.extensions[PAYMENT_IDENTIFIER].info
    expect(id).toMatch(/^pay_[0-9a-f]{40}$/)
    expect(JSON.stringify(await receiptsOf(session))).toContain(`The server gets the id ${id} of the purchase.`)
  })
})

describe('signing in', () => {
  it('opens what this session paid for, once for each request, without paying again', async () => {
    const first = await ask('/report')
    expect(first.headers.get('purser-money')).toBe('moved')
    expect(shop.logins).toEqual(['payment_recorded'])
    const again = await ask('/report')
    expect(again.status).toBe(200)
    expect(await again.json()).toEqual({ sold: '/report' })
    expect(again.headers.get('purser-money')).toBe('none')
    expect(again.headers.get('purser-payment')).toBeNull()
    expect(shop.logins).toEqual(['payment_recorded', 'access_granted'])
    expect((await purser.admin<{ spent: string }>(`/v1/sessions/${session.id}`)).spent).toBe('0.001')
    expect(purser.log.filter((line) => line.includes('"login":"let_in"'))).toHaveLength(1)
  })

  it('that opens nothing leads to the payment', async () => {
    await ask('/report')
    const other = await ask('/other')
    expect(other.status).toBe(200)
    expect(other.headers.get('purser-money')).toBe('moved')
  })

  it('is not tried for what another session paid for', async () => {
    await ask('/report')
    const stranger = await purser.openSession()
    const answer = await ask('/report', { by: stranger })
    expect(answer.headers.get('purser-money')).toBe('moved')
    expect(shop.logins).not.toContain('access_granted')
  })

  it('is neither for the agent itself nor for a request that must not pay', async () => {
    await ask('/report')
    const forged = await ask('/report', { headers: { 'sign-in-with-x': 'e30=' } })
    expect(await forged.json()).toMatchObject({ code: 'payment_header_forbidden' })
    const never = await ask('/report', { headers: { 'purser-pay': 'never' } })
    expect(await never.json()).toMatchObject({ code: 'payment_not_allowed' })
    expect(shop.logins).toEqual(['payment_recorded'])
  })

  it('is only for recipients that are listed for it', async () => {
    await using plain = await start({})
    const by = await plain.openSession()
    await ask('/report', { at: plain, by })
    const again = await ask('/report', { at: plain, by })
    expect(again.headers.get('purser-money')).toBe('moved')
    expect(shop.logins).toEqual(['payment_recorded', 'payment_recorded'])
  })
})
