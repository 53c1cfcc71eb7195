/**
 * The reference scenario, told in docs/governance.md: one agent, the policy of config/tiers.yaml as it stands (windows of
 * 30 s and a timeout of 4 h included), official paid servers, a real chain, a person with a signed webhook. What a test
 * changes of that, its name says.
 */
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import type { HouseOptions } from '../../src/house.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type Market, startMarket } from './market.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'
import { type Message, type Receiver, startReceiver } from './receiver.ts'

const AGENT = 'procurement-agent-prod'
const HOUR_MS = 3_600_000

let testnet: Testnet
/** Listed by the operator. */
let services: Market
/** Not listed: it is known once a first payment was approved, settled and confirmed. */
let provider: Market
let casino: Market
let receiver: Receiver
const started = new AsyncDisposableStack()

beforeAll(async () => {
  testnet = started.use(await startTestnet())
  services = started.use(await startMarket(testnet, { '/embeddings': '0.02', '/search': '0.50', '/dear': '1.01' }))
  provider = started.use(
    await startMarket(testnet, {
      ...{ '/subscription': '10', '/data': '4.99', '/compute': '47', '/hire': '89', '/plant': '5000', '/palace': '5000.01' },
    }),
  )
  casino = started.use(await startMarket(testnet, { '/slots': '1' }))
  receiver = started.use(await startReceiver())
})
afterAll(() => started.disposeAsync())

function policy(): Record<string, unknown> {
  const open = openConfig([testnet.caFile])
  const at = (host: string, path: string, category: string) => ({ host, path, category })
  const routes = Object.entries({ services, provider, casino }).map(([name, { url }]) => ({ prefix: `/${name}/`, upstream: `${url}/` }))
  return {
    ...open,
    proxy: { ...(open.proxy as object), routes },
    networks: [{ id: 'base-sepolia', rpc: testnet.rpcUrl, finalityBlocks: 0 }],
    people: [
      { id: 'olga', roles: ['owner', 'approver'], webhook: receiver.url, webhookSecret: receiver.secret },
      { id: 'alice', roles: ['approver'] },
    ],
    recipients: { verified: [{ host: services.host }, { host: 'translators.example' }] },
    categories: [
      ...[at(services.host, '/embeddings*', 'embeddings'), at(services.host, '/*', 'search')],
      ...[at(provider.host, '/subscription', 'subscription'), at(provider.host, '/data', 'data_access')],
      ...[at(provider.host, '/compute', 'compute'), at(provider.host, '/hire', 'agent_hire')],
      ...[at(provider.host, '/*', 'service_procurement'), at(casino.host, '/*', 'gambling')],
      at('translators.example', '/*', 'agent_hire'),
    ],
    tiers: { file: resolve(import.meta.dirname, '../../config/tiers.yaml') },
  }
}

async function governed(changes: Record<string, unknown> = {}, options: Pick<HouseOptions, 'clock'> = {}): Promise<Scene> {
  const purser = await startPurser({ ...policy(), ...changes }, options)
  await testnet.fund(purser.app.walletAddress as `0x${string}`, 20_000_000_000n)
  const { token } = await purser.admin<{ token: string }>('/v1/tokens', post({ role: 'approver', person: 'alice' }))
  return { purser, alice: { authorization: `Bearer ${token}` }, [Symbol.asyncDispose]: () => purser[Symbol.asyncDispose]() }
}

interface Scene extends AsyncDisposable {
  readonly purser: RunningPurser
  /** What alice's requests carry: an approver, and nothing else. */
  readonly alice: Record<string, string>
}

const post = (value: unknown): RequestInit => ({ method: 'POST', body: JSON.stringify(value) })

const open = ({ purser }: Scene, cap: string, ttl = '8h') =>
  purser.openSession({ agent: AGENT, purpose: 'translate and index the contract archive', cap, ttl })

interface Answer {
  readonly status: number
  readonly tier: string | null
  readonly amount: string | null
  readonly paymentId: string | null
  readonly body: Record<string, unknown>
}

async function ask(url: string, headers: Record<string, string>) {
  const answer = await fetch(url, { headers })
  return { status: answer.status, headers: answer.headers, json: (await answer.json()) as Record<string, unknown> }
}

async function buy({ purser }: Scene, { token }: OpenSession, path: string, hints: Record<string, string> = {}): Promise<Answer> {
  const { status, headers, json } = await ask(`${purser.app.proxyUrl}${path}`, { 'purser-session': token, ...hints })
  const [tier, amount, paymentId] = [headers.get('purser-tier'), headers.get('purser-amount'), headers.get('purser-payment')]
  return { status, tier, amount, paymentId, body: json }
}

/** The message about what waits in this session for this path; waited for. */
function told({ id }: OpenSession, type: string, path: string): Promise<Message> {
  const isMine = (message: Message) => message.type === type && message.data.sessionId === id && JSON.stringify(message.data).includes(path)
  const find = () => {
    const mine = receiver.messages.find(isMine)
    if (!mine) throw new Error(`nothing of type ${type} came for ${path}`)
    return mine
  }
  return vi.waitFor(find, { timeout: 15_000, interval: 20 })
}

const say = ({ purser, alice }: Scene, { data }: Message, verdict: 'approve' | 'deny', reason: string) =>
  purser.admin(`/v1/approvals/${String(data.id)}/${verdict}`, { ...post({ reason }), headers: alice })

const balance = ({ purser }: Scene, { id }: OpenSession) => purser.admin(`/v1/sessions/${id}`)

/** A first payment that alice approves: from its confirmation on, this agent knows the provider. */
async function subscribe(scene: Scene, session: OpenSession): Promise<void> {
  const asked = buy(scene, session, '/provider/subscription')
  await say(scene, await told(session, 'approval.requested', '/subscription'), 'approve', 'we want them as a provider')
  const { status, tier, paymentId } = await asked
  expect({ status, tier }).toEqual({ status: 200, tier: 'collaborative' })
  await vi.waitFor(
    async () => {
      await testnet.mine({ blocks: 1 })
      await scene.purser.admin('/v1/reconcile', post({}))
      expect(await scene.purser.admin(`/v1/payments/${paymentId}`)).toMatchObject({ state: 'settled', evidence: 'confirmed' })
    },
    { timeout: 10_000, interval: 200 },
  )
}

/** What arrived at a merchant while `act` ran, in millionths of a dollar. */
async function arrives(market: Market, act: () => Promise<unknown>): Promise<bigint> {
  const before = await testnet.balanceOf(market.merchant)
  await act()
  return (await testnet.balanceOf(market.merchant)) - before
}

describe('each payment passes the gate that its risk asks for', () => {
  let scene: Scene
  let session: OpenSession

  beforeAll(async () => {
    scene = started.use(await governed())
    session = await open(scene, '500')
    await subscribe(scene, session)
  })

  it('$0.02 for an embedding and $0.50 for a search: autonomous, at once, nobody is told', async () => {
    const before = receiver.messages.length
    const paid = await arrives(services, async () => {
      expect(await buy(scene, session, '/services/embeddings')).toMatchObject({ status: 200, tier: 'autonomous', amount: '0.02 USD' })
      expect(await buy(scene, session, '/services/search')).toMatchObject({ status: 200, tier: 'autonomous', amount: '0.50 USD' })
    })
    expect(paid).toBe(520_000n)
    expect(receiver.messages.slice(before).filter(({ data }) => data.sessionId === session.id)).toEqual([])
  })

  it('$4.99 for data and $47 for compute: supervised; the money is held, a window of 30 s runs, and silence pays', async () => {
    const began = performance.now()
    const paid = await arrives(provider, async () => {
      const asked = [buy(scene, session, '/provider/data'), buy(scene, session, '/provider/compute')]
      expect((await told(session, 'veto.opened', '/data')).data).toMatchObject({ kind: 'veto', vetoWindowSeconds: 30, amount: '4.99' })
      expect((await told(session, 'veto.opened', '/compute')).data).toMatchObject({ kind: 'veto', vetoWindowSeconds: 30, amount: '47.00' })
      expect(await balance(scene, session)).toMatchObject({ held: '51.99' })
      expect(await Promise.all(asked)).toMatchObject([
        { status: 200, tier: 'supervised', amount: '4.99 USD' },
        { status: 200, tier: 'supervised', amount: '47.00 USD' },
      ])
    })
    expect(performance.now() - began).toBeGreaterThan(30_000)
    expect(paid).toBe(51_990_000n)
    expect(await balance(scene, session)).toMatchObject({ held: '0.00' })
  })

  it('$4.99 for data, vetoed in its window: refused, nothing moves, and the money is free', async () => {
    const before = await balance(scene, session)
    const paid = await arrives(provider, async () => {
      const asked = buy(scene, session, '/provider/data?again')
      await say(scene, await told(session, 'veto.opened', '/data?again'), 'deny', 'we have that data')
      const { status, body } = await asked
      expect({ status, ...body }).toMatchObject({ status: 403, code: 'vetoed', tier: 'supervised', moneyState: 'none' })
      expect(body.detail).toContain('we have that data')
      const counted = 'purser_decisions_total{tier="supervised",decision="deny",code="vetoed"} 1'
      expect(await scene.purser.text('/metrics')).toContain(counted)
    })
    expect(paid).toBe(0n)
    expect(await balance(scene, session)).toMatchObject({ spent: before.spent, held: '0.00' })
  })

  it('$89 for an agent of a known recipient: collaborative; awaiting_approval, approved, paid, with its chain of evidence', async () => {
    const justification = 'the archive is in Portuguese; nobody here reads it'
    const described = { agent: AGENT, sessionId: session.id, amount: 89, category: 'agent_hire', recipient: provider.host, justification }
    const before = await balance(scene, session)
    const awaited = await scene.purser.admin('/v1/authorize', post({ ...described, recipientTrust: 'known' }))
    expect(awaited).toMatchObject({ tier: 'collaborative', status: 'awaiting_approval' })
    expect(awaited.auditId).toMatch(/^aud-\d{4}-\d{2}-\d{2}-\d{3}$/)
    expect(await balance(scene, session)).toMatchObject({ spent: before.spent, held: '0.00' })
    const message = await told(session, 'approval.requested', 'authorize/agent_hire')
    expect(message.data).toMatchObject({ id: awaited.approvalId, justification, remaining: expect.any(String) })
    await say(scene, message, 'approve', 'worth it')
    const paid = await arrives(provider, async () => {
      const hints = { 'purser-justification': justification, 'purser-task': 'archive' }
      expect(await buy(scene, session, '/provider/hire', hints)).toMatchObject({ status: 200, tier: 'collaborative', amount: '89.00 USD' })
    })
    expect(paid).toBe(89_000_000n)
    const record = await lastRecord(scene, session)
    expect(record).toMatchObject({
      ...{
        record: 'enhanced',
        tier: 'collaborative',
        audit: 'per_transaction_enhanced',
        state: 'settled',
        amount: '89.00',
        trust: 'known',
      },
      ...{ justification, task: 'archive', auditId: awaited.auditId, recipient: { host: 'localhost' }, policy: { name: 'collaborative' } },
      approval: { id: awaited.approvalId, votes: [{ person: 'alice', channel: 'api', reason: 'worth it' }] },
    })
    const settled = await testnet.settlementsFrom(scene.purser.app.walletAddress as `0x${string}`)
    expect(settled.at(-1)).toMatchObject({ value: 89_000_000n, transaction: record.transaction })
    expect(await scene.purser.admin('/v1/receipts/verify')).toMatchObject({ ok: true, brokenAt: null })
  })

  it('the same approval is spent: the next $89 asks anew', async () => {
    const asked = buy(scene, session, '/provider/hire')
    await say(scene, await told(session, 'approval.requested', '/hire'), 'deny', 'one is enough')
    expect((await asked).body).toMatchObject({ code: 'approval_denied', moneyState: 'none' })
  })

  it('gambling: prohibited, refused at once, and the owner gets a signed alert', async () => {
    const paid = await arrives(casino, async () => {
      const { status, body } = await buy(scene, session, '/casino/slots')
      expect({ status, ...body }).toMatchObject({ status: 403, code: 'tier_prohibited', tier: 'prohibited', moneyState: 'none' })
    })
    expect(paid).toBe(0n)
    const alert = await told(session, 'payment.prohibited', 'slots')
    expect(alert.data).toMatchObject({
      agent: AGENT,
      sentence: expect.stringContaining('prohibited by the tier "prohibited". Nothing was paid.'),
    })
    expect(receiver.forgeries).toEqual([])
  })
})

/** The newest record of the collaborative tier, as the tier asks for it. */
async function lastRecord({ purser }: Scene, { id }: OpenSession): Promise<Record<string, unknown>> {
  const lines = await purser.text(`/v1/receipts?session=${id}&tier=collaborative&record=enhanced&format=jsonl&limit=1000`)
  const records = lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const settled = records.filter(({ state, amount }) => state === 'settled' && amount === '89.00')
  const [last] = settled
  if (!last) throw new Error('no record of it')
  return last
}

describe('an $89 hire that nobody approves (hold of 1 s; the clock is put 4 h ahead)', () => {
  it('is refused when its timeout is over, and another listed recipient is named', async () => {
    let ahead_ms = 0
    const clock = { now: () => systemClock.now() + ahead_ms, monotonic: () => systemClock.monotonic() + ahead_ms }
    await using scene = await governed({ approvals: { hold: '1s' }, networks: [{ id: 'base-sepolia' }] }, { clock })
    const session = await open(scene, '500')
    const first = await buy(scene, session, '/provider/hire')
    expect(first.body).toMatchObject({ code: 'approval_pending', tier: 'collaborative', moneyState: 'none' })
    ahead_ms = 4 * HOUR_MS - 60_000
    expect((await buy(scene, session, '/provider/hire')).body).toMatchObject({ code: 'approval_pending', paymentId: first.body.paymentId })
    ahead_ms = 4 * HOUR_MS + 1_000
    await expired(scene, session)
    const { status, body } = await buy(scene, session, '/provider/hire')
    expect({ status, ...body }).toMatchObject({ status: 403, code: 'approval_expired', moneyState: 'none' })
    expect(body.nextAction).toContain('translators.example/* is listed for agent_hire too.')
    expect(await testnet.settlementsFrom(scene.purser.app.walletAddress as `0x${string}`)).toEqual([])
  })
})

/** The sweep, which runs every second, has ended what this session asked. */
function expired({ purser }: Scene, { id }: OpenSession): Promise<void> {
  const look = async () =>
    expect(await purser.admin(`/v1/approvals?state=expired&session=${id}`)).toMatchObject({ items: [{ tier: 'collaborative' }] })
  return vi.waitFor(look, { timeout: 15_000, interval: 50 })
}

/** In this order; together $141.51. */
const FIVE = ['/services/embeddings', '/services/search', '/provider/data', '/provider/compute', '/provider/hire'] as const

describe('the same five payments, $141.51, under a flat cap and under the tiers', () => {
  it('a flat cap of $100 lets $47 pass unseen, refuses the hire for the sum alone, and is told to be no proportionate control', async () => {
    const conditions = {
      ...{ maxAmount: '100', recipientTrust: 'any', frequency: { max: 1_000_000, per: '1h' } },
      categories: ['embeddings', 'search', 'data_access', 'compute', 'agent_hire', 'gambling'],
    }
    await using scene = await governed({ tiers: [{ name: 'flat', conditions, approval: 'none' }] })
    const session = await open(scene, '100')
    const answers = []
    for (const path of FIVE) answers.push(await buy(scene, session, path))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 403])
    expect(answers.at(-1)?.body).toMatchObject({ code: 'spending_limit_exceeded', amount: '89.00', remaining: '47.49', spent: '52.51' })
    expect(await buy(scene, session, '/casino/slots')).toMatchObject({ status: 200, tier: 'flat' })
    // That half of the budget is gone is all that anybody hears, afterwards.
    const heard = receiver.messages.filter(({ type, data }) => type !== 'session.threshold' && data.sessionId === session.id)
    expect(heard).toEqual([])
    expect(await scene.purser.admin('/v1/policy/check', post({ type: 'flat_limit', limit: '100' }))).toMatchObject({
      compliant: false,
      regulatory_confidence: 'low',
      checks: { nature_differentiated: false, scale_differentiated: false, complexity_differentiated: false },
    })
  })

  it('the tiers let all five pass, two at once, two after their windows, one with a yes, and are in proportion', async () => {
    await using scene = await governed()
    const session = await open(scene, '200')
    await subscribe(scene, session)
    const before = Number((await balance(scene, session)).spent)
    const asked = FIVE.map((path) => buy(scene, session, path))
    await say(scene, await told(session, 'approval.requested', '/hire'), 'approve', 'worth it')
    expect((await Promise.all(asked)).map(({ status, tier }) => `${status} ${tier}`)).toEqual([
      ...['200 autonomous', '200 autonomous', '200 supervised', '200 supervised', '200 collaborative'],
    ])
    expect(await balance(scene, session)).toMatchObject({ spent: (before + 141.51).toFixed(2), held: '0.00' })
    const { tiers } = await scene.purser.admin<{ tiers: unknown }>('/v1/policy')
    expect(tiers).toHaveLength(4)
  })
})

describe('one identity, a thousand micro-calls in an hour and one purchase of $5,000', () => {
  it('each passes under its own rule; the 1,001st call and a cent more are refused under theirs', async () => {
    await using scene = await governed()
    const session = await open(scene, '10100')
    const paid = await arrives(services, async () => {
      for (let bought = 0; bought < 1_000; bought += 20) {
        const batch = Array.from({ length: 20 }, (_, at) => buy(scene, session, `/services/embeddings?n=${bought + at}`))
        for (const { status, tier } of await Promise.all(batch)) expect({ status, tier }).toEqual({ status: 200, tier: 'autonomous' })
      }
    })
    expect(paid).toBe(20_000_000n)
    const further = await buy(scene, session, '/services/embeddings?n=1000')
    expect(further.body).toMatchObject({ code: 'frequency_exceeded', tier: 'autonomous', moneyState: 'none' })
    expect((await buy(scene, session, '/provider/palace')).body).toMatchObject({ code: 'no_tier_matches', amount: '5000.01' })
    const plant = await arrives(provider, async () => {
      const asked = buy(scene, session, '/provider/plant')
      const message = await told(session, 'approval.requested', '/plant')
      expect(message.data).toMatchObject({ amount: '5000.00', tier: 'collaborative' })
      await say(scene, message, 'approve', 'the board agreed')
      expect(await asked).toMatchObject({ status: 200, tier: 'collaborative', amount: '5000.00 USD' })
    })
    expect(plant).toBe(5_000_000_000n)
    expect(await balance(scene, session)).toMatchObject({ spent: '5020.00', held: '0.00', payments: 1_001 })
  }, 240_000)
})
