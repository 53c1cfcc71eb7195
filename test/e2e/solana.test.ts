/** Exact on Solana, through the whole proxy: the official server and facilitator, on a chain that runs the real programs. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getTransactionDecoder } from '@solana/kit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tokenAccountOf } from '../../src/solana-address.ts'
import { createSolanaWallet } from '../../src/wallet/solana-key.ts'
import { makeTestTls } from '../testnet/certificates.ts'
import { type Doors, type Handler, openDoors } from '../testnet/doors.ts'
import { PYUSD_TOKEN, SOLANA, SOLANA_USDC, startSolana, type TestSolana, USDC_TOKEN } from '../testnet/solana.ts'
import { type SolanaShop, startSolanaShop } from '../testnet/solana-servers.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

const SEED = '5ca1ab1e'.repeat(8)

const started = new AsyncDisposableStack()
let solana: TestSolana
let shop: SolanaShop
let purser: RunningPurser
let payer: string
let evil: Doors

/** What a server that means harm asks for, by path. */
const EVIL: Readonly<Record<string, () => Record<string, unknown>>> = {
  '/fee-payer': () => ({ extra: { feePayer: payer } }),
  '/to-us': () => ({ payTo: payer }),
  '/lookalike': () => ({ asset: SOLANA_USDC.replace('4zMM', '4ZMM') }),
  '/memo': () => ({ extra: { feePayer: shop.feePayer, memo: 'x'.repeat(257) } }),
  '/token-account': () => ({ payTo: tokenAccountOf({ owner: shop.merchant, ...USDC_TOKEN }) }),
  '/mainnet': () => ({ network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp' }),
  '/upto': () => ({ scheme: 'upto' }),
}

const answerEvil: Handler = (request, response) => {
  const honest = { scheme: 'exact', network: SOLANA, asset: SOLANA_USDC, amount: '1000', payTo: shop.merchant, maxTimeoutSeconds: 60 }
  const entry = { ...honest, extra: { feePayer: shop.feePayer, decimals: 2 }, ...EVIL[request.url ?? '']?.() }
  const challenge = JSON.stringify({ x402Version: 2, resource: { url: 'https://localhost/' }, accepts: [entry] })
  response.writeHead(402, { 'payment-required': Buffer.from(challenge).toString('base64') }).end('{}')
}

beforeAll(async () => {
  const tls = makeTestTls()
  const folder = await mkdtemp(join(tmpdir(), 'purser-solana-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const caFile = join(folder, 'ca.pem')
  await writeFile(caFile, tls.ca)
  solana = started.use(await startSolana())
  shop = started.use(await startSolanaShop(solana, tls))
  payer = await createSolanaWallet(Buffer.from(SEED, 'hex')).address(null)
  evil = started.use(await openDoors(answerEvil, tls))
  const config = openConfig([caFile])
  purser = started.use(
    await startPurser({
      ...config,
      proxy: {
        ...(config.proxy as object),
        routes: [
          { prefix: '/shop/', upstream: `${shop.url}/` },
          { prefix: '/evil/', upstream: `${evil.httpsUrl}/` },
        ],
      },
      wallet: { solana: { key: SEED } },
      networks: [{ id: 'solana-devnet', rpc: solana.rpc }],
    }),
  )
  solana.fund(payer, 1_000_000n)
  solana.fund(payer, 1_000_000n, PYUSD_TOKEN)
})
afterAll(() => started.disposeAsync())

async function ask(session: OpenSession, path: string) {
  const answer = await fetch(`${purser.app.proxyUrl}/shop${path}`, { headers: { 'purser-session': session.token } })
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> }
}

interface Listed {
  readonly items: readonly Record<string, unknown>[]
}

const paymentsOf = async ({ id }: OpenSession) => (await purser.admin<Listed>(`/v1/payments?session=${id}`)).items
const balanceOf = ({ id }: OpenSession) => purser.admin(`/v1/sessions/${id}`)

describe('a payment on Solana', () => {
  it.each(['/weather', '/memo', '/paypal'])('is paid, settled and confirmed by the chain: %s', async (path) => {
    const session = await purser.openSession()
    const token = path === '/paypal' ? PYUSD_TOKEN : undefined
    const before = solana.balanceOf(shop.merchant, token)
    const got = await ask(session, path)
    expect([got.status, got.body]).toEqual([200, { celsius: 21 }])
    expect(solana.balanceOf(shop.merchant, token) - before).toBe(1_000n)
    const id = solana.executed.at(-1)?.id
    expect(await paymentsOf(session)).toMatchObject([
      { state: 'settled', network: SOLANA, recipient: shop.merchant, transaction: id, evidence: 'claimed' },
    ])
    solana.pass(40)
    await purser.admin('/v1/reconcile', { method: 'POST', body: '{}' })
    expect(await paymentsOf(session)).toMatchObject([{ state: 'settled', evidence: 'confirmed', transaction: id }])
  })

  it.each([
    ['/fee-payer', 'challenge_invalid'],
    ['/to-us', 'challenge_invalid'],
    ['/lookalike', 'asset_unknown'],
    ['/memo', 'challenge_invalid'],
    ['/token-account', 'challenge_invalid'],
    ['/mainnet', 'network_not_allowed'],
    ['/upto', 'scheme_not_supported'],
  ])('is refused where the server means harm, and no signature leaves: %s', async (path, code) => {
    const session = await purser.openSession()
    const answer = await fetch(`${purser.app.proxyUrl}/evil${path}`, { headers: { 'purser-session': session.token } })
    expect(await answer.json()).toMatchObject({ code, moneyState: 'none' })
    expect(await balanceOf(session)).toMatchObject({ held: '0.00', spent: '0.00' })
    const sent = evil.requests.filter(({ target, headers }) => target === path && headers.some((name) => /^payment-signature$/i.test(name)))
    expect(sent).toEqual([])
  })

  it('counts a token by our decimals, whatever the server says of them', async () => {
    const session = await purser.openSession()
    const answer = await fetch(`${purser.app.proxyUrl}/evil/decimals`, { headers: { 'purser-session': session.token } })
    expect(await answer.json()).toMatchObject({ code: 'payment_rejected', amount: '0.001', moneyState: 'unknown' })
    const [headers] = evil.requests
      .filter(({ target }) => target === '/decimals')
      .map(({ headers: sent }) => sent)
      .reverse()
    const value = headers?.[headers.findIndex((name) => /^payment-signature$/i.test(name)) + 1] ?? ''
    const { transaction } = JSON.parse(Buffer.from(value, 'base64').toString()).payload
    const { messageBytes } = getTransactionDecoder().decode(Buffer.from(transaction, 'base64'))
    expect(Buffer.from(messageBytes).includes(Buffer.from('0ce80300000000000006', 'hex'))).toBe(true)
  })

  it('G4: that is bound to a blockhash that is none any more buys nothing, and is free again later', async () => {
    const session = await purser.openSession()
    solana.answerOtherwise('getLatestBlockhash', (said) => {
      const { context, value } = said as { context: object; value: object }
      return { context, value: { ...value, blockhash: shop.merchant } }
    })
    expect((await ask(session, '/weather')).body).toMatchObject({ code: 'payment_rejected', moneyState: 'unknown' })
    solana.answerOtherwise('getLatestBlockhash', (said) => said)
    expect(await balanceOf(session)).toMatchObject({ held: '0.001' })
    solana.pass(150 + 64 + 40)
    await purser.admin('/v1/reconcile', { method: 'POST', body: '{}' })
    expect(await paymentsOf(session)).toMatchObject([{ state: 'void' }])
  })

  it('is not signed where our own server gives no recent block', async () => {
    const session = await purser.openSession()
    solana.answerOtherwise('getBlockHeight', () => 'none')
    expect((await ask(session, '/weather')).body).toMatchObject({
      code: 'internal_error',
      moneyState: 'none',
      detail: expect.stringContaining('no recent block'),
    })
    solana.answerOtherwise('getBlockHeight', (said) => said)
    expect(await balanceOf(session)).toMatchObject({ held: '0.00', spent: '0.00' })
    expect(await paymentsOf(session)).toMatchObject([{ state: 'void' }])
  })

  it('is from an address and a balance that operators see', async () => {
    const wallet = await purser.admin<{ solana: string; balance: { network: string; asset: string }[] }>('/v1/wallet')
    expect(wallet.solana).toBe(payer)
    expect(wallet.balance.map(({ network, asset }) => [network, asset])).toContainEqual([SOLANA, 'USDC'])
  })

  it('carries the memo that its nonce gives, and its fee is the facilitator’s', async () => {
    await ask(await purser.openSession(), '/weather')
    const last = solana.executed.at(-1)
    expect(last?.memo).toMatch(/^\[32\] [0-9a-f]{32}$/)
    expect(last?.accounts[0]).toBe(shop.feePayer)
    expect(last?.accounts[1]).toBe(payer)
  })

  it('G4: that was settled without an answer is found by the signature that only its owner could make', async () => {
    const session = await purser.openSession()
    shop.breakNext('after')
    expect((await ask(session, '/weather')).status).toBeGreaterThanOrEqual(400)
    const id = solana.executed.at(-1)?.id
    expect(await paymentsOf(session)).toMatchObject([{ state: 'unknown', transaction: null }])
    solana.pass(40)
    await purser.admin('/v1/reconcile', { method: 'POST', body: '{}' })
    expect(await paymentsOf(session)).toMatchObject([{ state: 'settled', evidence: 'confirmed', transaction: id }])
  })

  it('G4: that was never taken is held until no block can take it any more, and is then free again', async () => {
    const session = await purser.openSession()
    shop.breakNext('before')
    expect((await ask(session, '/weather')).status).toBeGreaterThanOrEqual(400)
    solana.pass(150 + 32)
    await purser.admin('/v1/reconcile', { method: 'POST', body: '{}' })
    expect(await paymentsOf(session)).toMatchObject([{ state: 'unknown' }])
    expect(await balanceOf(session)).toMatchObject({ held: '0.001', spent: '0.00' })
    solana.pass(100)
    await purser.admin('/v1/reconcile', { method: 'POST', body: '{}' })
    expect(await paymentsOf(session)).toMatchObject([{ state: 'void' }])
    expect(await balanceOf(session)).toMatchObject({ held: '0.00', spent: '0.00' })
  })
})
