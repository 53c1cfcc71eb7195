/**
 * Events end to end: the whole Purser, a paid server, a real chain, and receivers that take only what the public package
 * of Standard Webhooks verifies. What books get fits the published schemas.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { alertEventSchema } from '../../src/alerts/alert-event.ts'
import { bookEventSchema } from '../../src/alerts/book-event.ts'
import { startPostgres } from '../postgres/server.ts'
import { makeSharedKeys } from '../shared-keys.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { openConfig, type RunningPurser, startPurser } from './purser.ts'
import { type Message, type Receiver, startReceiver } from './receiver.ts'

let testnet: Testnet
let books: Receiver
let owners: Receiver
let purser: RunningPurser
const started = new AsyncDisposableStack()

beforeAll(async () => {
  testnet = started.use(await startTestnet())
  books = started.use(await startReceiver())
  owners = started.use(await startReceiver())
  purser = started.use(await startPurser(watched()))
  await testnet.fund(purser.app.walletAddress as `0x${string}`, 1_000_000_000n)
})
afterAll(() => started.disposeAsync())

/** /data costs a cent; /broken is prohibited. */
function watched(): Record<string, unknown> {
  const open = openConfig([testnet.caFile])
  const [autonomous] = open.tiers as object[]
  return {
    ...open,
    proxy: { ...(open.proxy as object), routes: [{ prefix: '/paid/', upstream: `${testnet.servers.honoV2.httpsUrl}/` }] },
    sessions: { thresholds: [50, 80, 100] },
    approvals: {
      webhooks: [
        { url: books.url, secret: books.secret, events: ['payment.settled', 'payment.refused'] },
        { url: owners.url, secret: owners.secret },
      ],
    },
    categories: [
      { host: '*', path: '/broken', category: 'gambling' },
      { host: '*', category: 'api_calls' },
    ],
    tiers: [autonomous, { name: 'prohibited', conditions: { categories: ['gambling'] }, approval: 'blocked', alert: 'immediate_to_owner' }],
  }
}

const ask = ({ app }: RunningPurser, token: string, path: string) =>
  fetch(`${app.proxyUrl}/paid${path}`, { headers: { 'purser-session': token } })

/** A look at the books is due once a second. */
const PATIENCE = { timeout: 15_000 }

const heard = (receiver: Receiver, session: { readonly id: string }, type: string): Promise<Message> =>
  vi.waitFor(() => {
    const found = receiver.messages.find((message) => message.type === type && message.data.sessionId === session.id)
    if (!found) throw new Error(`no ${type} in ${receiver.messages.map((message) => message.type).join(', ')}`)
    return found
  }, PATIENCE)

describe('what books are told', () => {
  it('a payment settles, and its entry arrives signed, with receipt and transaction, in the published form', async () => {
    const session = await purser.openSession({ labels: { costCentre: 'CC-7' } })
    expect((await ask(purser, session.token, '/data?secret=1')).status).toBe(200)
    const message = await heard(books, session, 'payment.settled')
    expect(bookEventSchema.parse(message).data).toMatchObject({
      ...{
        agent: 'tester',
        costCentre: 'CC-7',
        state: 'settled',
        amount: '0.01',
        currency: 'USD',
        amountAtomic: '10000',
        tier: 'autonomous',
      },
      ...{ network: 'eip155:84532', recipient: testnet.merchant, transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/) },
      resource: `${testnet.servers.honoV2.httpsUrl}/data`,
    })
    const { receipt } = bookEventSchema.parse(message).data
    expect(await purser.admin(`/v1/receipts/${receipt.id}`)).toMatchObject({ hash: receipt.hash })
    expect(books.forgeries).toEqual([])
  })

  it('a refusal arrives with its code, and owners hear of the attempt instead', async () => {
    const session = await purser.openSession()
    expect((await ask(purser, session.token, '/broken')).status).toBe(403)
    const message = bookEventSchema.parse(await heard(books, session, 'payment.refused'))
    expect(message.data).toMatchObject({ state: 'denied', code: 'tier_prohibited', transaction: null })
    alertEventSchema.parse(await heard(owners, session, 'payment.prohibited'))
    const types = (receiver: Receiver) => receiver.messages.map(({ type }) => type)
    expect(types(owners)).not.toContain('payment.refused')
    expect(types(books)).not.toContain('payment.prohibited')
  })
})

describe('what owners are told', () => {
  it('a session reaches half, four fifths and all of its budget', async () => {
    const session = await purser.openSession({ cap: '0.05' })
    for (let n = 0; n < 5; n += 1) expect((await ask(purser, session.token, `/data?n=${n}`)).status).toBe(200)
    await vi.waitFor(() => {
      const mine = owners.messages.filter(({ type, data }) => type === 'session.threshold' && data.sessionId === session.id)
      for (const message of mine) alertEventSchema.parse(message)
      expect(mine.map(({ data }) => data.percent).toSorted()).toEqual([100, 50, 80])
    }, PATIENCE)
  })

  it('the ledger cannot be written, and can again: both are told, though nothing could be queued', async () => {
    await using server = await startPostgres()
    await using keys = await makeSharedKeys()
    await using receiver = await startReceiver()
    const approvals = { webhooks: [{ url: receiver.url, secret: receiver.secret }] }
    await using shared = await startPurser({ ...watched(), ...keys.config, approvals, ledger: await server.createDatabase() })
    expect(await shared.app.readiness()).toEqual([])
    const told = (types: readonly string[]) =>
      vi.waitFor(() => expect(receiver.messages.map(({ type }) => type)).toEqual(types), { timeout: 60_000, interval: 100 })
    await server.stop('immediate')
    await told(['ledger.not_ready'])
    expect(alertEventSchema.parse(receiver.messages[0])).toMatchObject({ data: { reasons: [expect.any(String)] } })
    await server.restart()
    await told(['ledger.not_ready', 'ledger.ready'])
    expect(receiver.forgeries).toEqual([])
  }, 120_000)
})
