/**
 * Workloads that prove what they are, through the whole Purser (docs/identity.md): tokens of service accounts by the
 * cluster's keys and by its TokenReview, SPIFFE JWT-SVIDs, client certificates. What is proven gets a session just in time
 * and pays with it on a real chain; what is not gets nothing.
 */
import { createPublicKey } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { clientCertificate } from '../identity/client-certificate.ts'
import { type Cluster, startCluster, subjectOf } from '../identity/cluster.ts'
import { type Key, newKey } from '../identity/issuer.ts'
import { openDoors } from '../testnet/doors.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { has, run } from './agents.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

const CREDENTIAL = 'purser-own-service-account'
const DOMAIN = 'spiffe://example.org'
const SVID = `${DOMAIN}/ns/research/sa/planner`

let testnet: Testnet
let folder: string
/** Its tokens are verified by its keys. */
let signing: Cluster
/** It is asked about each token. */
let reviewing: Cluster
let domainKey: Key
let purser: RunningPurser
/** An upstream that begins to answer and never ends. */
let endless: string
const started = new AsyncDisposableStack()

beforeAll(async () => {
  testnet = started.use(await startTestnet())
  folder = await mkdtemp(join(tmpdir(), 'purser-identity-'))
  started.defer(() => rm(folder, { recursive: true }))
  const plan = { tls: testnet.tls, credential: CREDENTIAL }
  signing = started.use(await startCluster({ ...plan, issuer: 'https://signing.example', alg: 'RS256' }))
  reviewing = started.use(await startCluster({ ...plan, issuer: 'https://reviewing.example', alg: 'ES256' }))
  domainKey = await newKey('svid-key')
  await write('credential', `${CREDENTIAL}\n`)
  await write('bundle.json', JSON.stringify({ spiffe_sequence: 1, keys: [{ ...domainKey.jwk, use: 'jwt-svid' }] }))
  const slow = started.use(await openDoors((_, response) => void response.writeHead(200).write('first'), testnet.tls))
  endless = slow.url
  purser = started.use(await startPurser(identified()))
  await testnet.fund(purser.app.walletAddress as `0x${string}`, 100_000_000n)
})
afterAll(() => started.disposeAsync())

async function write(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}

function agentOf(subject: string, agent: string) {
  return { subject, agent, parent: 'research', session: { cap: '0.05', ttl: '10m', limits: { perPayment: '0.01' } } }
}

function identified(): Record<string, unknown> {
  const open = openConfig([testnet.caFile])
  const { httpsUrl } = testnet.servers.honoV2
  const api = { kind: 'kubernetes', audience: 'purser', tokenFile: join(folder, 'credential'), caFile: testnet.caFile }
  return {
    ...open,
    proxy: {
      ...(open.proxy as object),
      connectPorts: [Number(new URL(httpsUrl).port)],
      routes: [
        { prefix: '/paid/', upstream: `${httpsUrl}/` },
        { prefix: '/endless/', upstream: `${endless}/` },
      ],
    },
    networks: [{ id: 'base-sepolia', rpc: testnet.rpcUrl }],
    identity: {
      budgets: { research: { agent: 'research', purpose: 'research', cap: '1.00', ttl: '7d' } },
      issuers: [
        { ...api, issuer: signing.issuer, jwks: signing.jwksUrl, agents: [agentOf('system:serviceaccount:research:*', 'researcher')] },
        { ...api, issuer: reviewing.issuer, tokenReview: reviewing.reviewUrl, agents: [agentOf(subjectOf('research:reader'), 'reader')] },
        {
          ...{ kind: 'spiffe', issuer: DOMAIN, audience: 'purser', jwksFile: join(folder, 'bundle.json') },
          agents: [agentOf(`${DOMAIN}/ns/*/sa/planner`, 'planner')],
        },
      ],
    },
  }
}

/** A JWT-SVID, five minutes long, as SPIRE makes them: without `iss`. */
function svid(changes: Record<string, unknown> = {}, key = domainKey): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return key.sign({ sub: SVID, aud: ['purser'], iat: now, exp: now + 300, ...changes })
}

interface Told {
  readonly status: number
  readonly body: Partial<OpenSession> & { readonly code?: string; readonly detail?: string }
}

/** Asks for a session at the workloads' door. */
async function credentials(token: string | undefined, body: object = {}): Promise<Told> {
  const headers = { 'content-type': 'application/json', ...(token === undefined ? {} : { 'purser-identity': token }) }
  const init = { method: 'POST', headers, body: JSON.stringify(body) }
  const answer = await fetch(`${purser.app.proxyUrl}/.purser/v1/session/credentials`, init)
  return { status: answer.status, body: (await answer.json()) as Told['body'] }
}

async function minted(token: string, body: object = {}): Promise<OpenSession> {
  const told = await credentials(token, body)
  expect(told).toMatchObject({ status: 201, body: { id: expect.stringMatching(/^ses_/), token: expect.any(String) } })
  return told.body as OpenSession
}

const as = ({ token }: OpenSession) => ({ headers: { 'purser-session': token } })
const weather = (session: OpenSession) => fetch(`${purser.app.proxyUrl}/paid/weather`, as(session))
const end = (session: OpenSession) => fetch(`${purser.app.proxyUrl}/.purser/v1/session/end`, { method: 'POST', ...as(session) })

describe('a workload that proves what it is', () => {
  it.each<[kind: string, agent: string, issuer: () => string, subject: string, token: () => Promise<string>]>([
    [
      'a service account’s token, by the cluster’s keys',
      'researcher',
      () => signing.issuer,
      subjectOf('research:planner'),
      () => signing.token('research:planner'),
    ],
    [
      'a service account’s token, by TokenReview',
      'reader',
      () => reviewing.issuer,
      subjectOf('research:reader'),
      () => reviewing.token('research:reader'),
    ],
    ['a SPIFFE JWT-SVID', 'planner', () => DOMAIN, SVID, () => svid()],
  ])('%s: gets a session just in time and pays with it, on record as who it is', async (_kind, agent, issuer, subject, token) => {
    const before = await testnet.balanceOf(testnet.merchant)
    const session = await minted(await token(), { task: 'nightly report', cap: '0.02' })
    expect(session).toMatchObject({ agent, purpose: 'nightly report', cap: '0.02', limits: { perPayment: '0.01' } })
    const paid = await weather(session)
    expect(paid.status).toBe(200)
    expect((await testnet.balanceOf(testnet.merchant)) - before).toBe(1_000n)
    const workload = { issuer: issuer(), subject }
    expect(await purser.admin(`/v1/payments/${paid.headers.get('purser-payment')}`)).toMatchObject({ agent, context: { workload } })
    expect(await purser.admin(`/v1/sessions/${session.parent}`)).toMatchObject({ agent: 'research', cap: '1.00' })
    const { items } = await purser.admin<{ items: object[] }>(`/v1/receipts?session=${session.id}`)
    expect(items[0]).toMatchObject({ context: { workload } })
  })

  it.skipIf(!has('curl'))('asks with curl through the proxy, as the page shows it, and pays through it', async () => {
    const proxy = purser.app.proxyUrl
    const door = ['-sS', '-x', proxy, '-X', 'POST', 'http://purser.internal/v1/session/credentials']
    const token = await signing.token('research:planner')
    const asked = await run('curl', [
      ...door,
      ...['-H', `Purser-Identity: ${token}`, '-H', 'Content-Type: application/json', '-d', '{ "task": "nightly report" }'],
    ])
    const { proxyUrl }: OpenSession = JSON.parse(asked.stdout)
    const url = `${testnet.servers.honoV2.httpsUrl}/weather?curl`
    const paid = await run('curl', ['-sS', '-x', proxyUrl, '--cacert', purser.app.caFile, '-w', '%{http_code}', url])
    expect(paid.stdout).toMatch(/Lisbon.*200$/)
    const bearer = await run('curl', [...door, '-H', `Proxy-Authorization: Bearer ${token}`, '-w', '%{http_code}', '-o', '/dev/null'])
    expect(bearer.stdout).toBe('201')
  })

  it('presents its client certificate on a TLS listener, and pays over it', async () => {
    const { ca, ...client } = await clientCertificate(SVID)
    const stranger = await clientCertificate(SVID)
    const [cert, key, clientCa] = [
      await write('cert.pem', testnet.tls.cert),
      await write('key.pem', testnet.tls.key),
      await write('workloads.pem', ca),
    ]
    const plain = identified()
    await using guarded = await startPurser({
      ...plain,
      proxy: { ...(plain.proxy as object), serverTls: { cert, key, clientCa } },
      identity: {
        ...(plain.identity as object),
        issuers: [{ kind: 'certificate', agents: [agentOf(SVID, 'payer')] }],
      },
    })
    await testnet.fund(guarded.app.walletAddress as `0x${string}`, 1_000_000n)
    const over = (path: string, options: object) => tlsRequest(guarded.app.proxyUrl, path, options)
    const door = '/.purser/v1/session/credentials'
    const { status, body } = await over(door, { method: 'POST', ...client })
    const { token, agent, id } = body as OpenSession
    expect([status, agent]).toEqual([201, 'payer'])
    expect(await over('/paid/weather', { headers: { 'purser-session': token } })).toMatchObject({ status: 200, body: { city: 'Lisbon' } })
    const { items } = await guarded.admin<{ items: unknown }>(`/v1/payments?session=${id}`)
    expect(items).toMatchObject([{ context: { workload: { issuer: 'certificate', subject: SVID } } }])
    for (const wrong of [{}, { cert: stranger.cert, key: stranger.key }]) {
      expect(await over(door, { method: 'POST', ...wrong })).toMatchObject({ status: 401, body: { code: 'session_required' } })
    }
  })

  /** Over TLS with this certificate or none; every connection is its own, so that none lends its certificate to another. */
  function tlsRequest(base: string, path: string, options: object): Promise<{ status: number | undefined; body: unknown }> {
    return new Promise((resolve, reject) => {
      const asked = httpsRequest(new URL(path, base), { ca: testnet.tls.ca, agent: false, ...options }, async (answer) => {
        const chunks: Buffer[] = []
        for await (const chunk of answer) chunks.push(Buffer.from(chunk))
        resolve({ status: answer.statusCode, body: JSON.parse(Buffer.concat(chunks).toString()) })
      })
      asked.on('error', reject).end()
    })
  }
})

describe('what proves nothing gets nothing', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claimsOf = (token: string) => token.split('.')[1] ?? ''
  const past = () => Math.floor(Date.now() / 1000) - 60

  it.each<[what: string, token: () => Promise<string | undefined>, code: string, detail: string]>([
    ['no identity', async () => undefined, 'session_required', 'proves no workload identity'],
    ['an issuer that is not configured', () => signing.token('research:planner', { iss: 'https://evil.example' }), ...no('issuer')],
    ['another audience', () => signing.token('research:planner', { aud: ['https://api.example'] }), ...no('claim aud')],
    ['another audience, reviewed', () => reviewing.token('research:reader', { aud: ['https://api.example'] }), ...no('does not know it')],
    ['no audience', () => signing.token('research:planner', { aud: undefined }), ...no('claim aud')],
    ['a token that has expired', () => signing.token('research:planner', { exp: past() }), ...no('has expired')],
    ['a token that has expired, reviewed', () => reviewing.token('research:reader', { exp: past() }), ...no('does not know it')],
    ['a token without an end', () => signing.token('research:planner', { exp: undefined }), ...no('claim exp')],
    ['no signature at all', unsigned, ...no('algorithm is not allowed')],
    ['the cluster’s public key as a shared secret', signedWithPublicKey, ...no('algorithm is not allowed')],
    ['the other cluster’s signature', () => reviewing.token('research:planner', { iss: signing.issuer }), ...no('not')],
    [
      'the other cluster’s signature, reviewed',
      () => signing.token('research:reader', { iss: reviewing.issuer }),
      ...no('does not know it'),
    ],
    ['another SPIFFE key of the same name', async () => svid({}, await newKey('svid-key')), ...no('signature does not hold')],
    ['another trust domain', () => svid({ sub: 'spiffe://other.org/ns/research/sa/planner' }), ...no('issuer is not configured')],
    [
      'a trust domain that only begins alike',
      () => svid({ sub: 'spiffe://example.org.evil/sa/planner' }),
      ...no('issuer is not configured'),
    ],
    ['a subject of SPIFFE from a cluster', () => signing.token('research:planner', { sub: SVID }), ...denied(SVID)],
    ['an account that no rule names', () => signing.token('other:planner'), ...denied(subjectOf('other:planner'))],
    ['a star that would cross namespaces', () => signing.token('research:a:b'), ...denied(subjectOf('research:a:b'))],
    ['an SVID that no rule names', () => svid({ sub: `${DOMAIN}/ns/research/sa/payer` }), ...denied(`${DOMAIN}/ns/research/sa/payer`)],
  ])('%s', async (_what, token, code, detail) => {
    const [presented, before] = [await token(), await purser.admin<{ items: unknown[] }>('/v1/sessions?limit=1000')]
    const { status, body } = await credentials(presented)
    expect([status, body.code, body.detail]).toEqual([code === 'forbidden' ? 403 : 401, code, expect.stringContaining(detail)])
    if (presented !== undefined) expect(JSON.stringify(body)).not.toContain(presented)
    expect((await purser.admin<{ items: unknown[] }>('/v1/sessions?limit=1000')).items).toHaveLength(before.items.length)
  })

  function no(why: string): ['session_invalid', string] {
    return ['session_invalid', why]
  }

  function denied(subject: string): ['forbidden', string] {
    return ['forbidden', `No agent is configured for ${subject}.`]
  }

  async function unsigned(): Promise<string> {
    const claims = claimsOf(await signing.token('research:planner'))
    return `${part({ alg: 'none', kid: signing.key.kid })}.${claims}.${part({})}`
  }

  async function signedWithPublicKey(): Promise<string> {
    const secret = createPublicKey({ key: signing.key.jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' })
    const claims = JSON.parse(Buffer.from(claimsOf(await signing.token('research:planner')), 'base64url').toString())
    return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: signing.key.kid }).sign(secret)
  }

  it('a session’s token opens no door for workloads, and a workload’s token pays nothing', async () => {
    const { token } = await purser.openSession()
    expect(await credentials(token)).toMatchObject({ status: 401, body: { code: 'session_invalid' } })
    const identity = await signing.token('research:planner')
    const headers = { 'purser-session': identity, 'purser-identity': identity }
    expect((await fetch(`${purser.app.proxyUrl}/paid/weather`, { headers })).status).toBe(401)
  })

  it('a pod that is gone gets nothing from TokenReview, although its token is well signed and lives', async () => {
    reviewing.remove('research:reader')
    const told = await credentials(await reviewing.token('research:reader', { jti: 'of a pod that was deleted' }))
    expect(told).toMatchObject({ status: 401, body: { code: 'session_invalid', detail: expect.stringContaining('does not know it') } })
  })
})

describe('the end of a task', () => {
  it('revokes its session within a second: nothing is paid or forwarded any more, and what still streams is cut', async () => {
    const [session, other] = [await minted(await svid()), await minted(await svid())]
    const stream = await fetch(`${purser.app.proxyUrl}/endless/`, as(session))
    const reader = stream.body?.getReader()
    expect(await reader?.read()).toMatchObject({ done: false })
    const cut = reader?.read().then(
      ({ done }) => done,
      () => true,
    )
    const asked_ms = performance.now()
    expect(await (await end(session)).json()).toMatchObject({ id: session.id, state: 'revoked' })
    const refused = await weather(session)
    expect([refused.status, ((await refused.json()) as Told['body']).code]).toEqual([403, 'session_revoked'])
    expect(await cut).toBe(true)
    expect(performance.now() - asked_ms).toBeLessThan(1_000)
    expect((await weather(other)).status).toBe(200)
  })

  it('is the workload’s own to say: a session that an operator opened is not ended at that door', async () => {
    const session = await purser.openSession()
    expect((await end(session)).status).toBe(403)
    expect(await purser.admin(`/v1/sessions/${session.id}`)).toMatchObject({ state: 'open' })
  })

  it('comes by itself with the budget’s: what an operator revokes ends what was minted from it', async () => {
    const session = await minted(await svid())
    await purser.admin(`/v1/sessions/${session.parent}/revoke`, { method: 'POST' })
    await vi.waitFor(async () => expect((await weather(session)).status).toBe(403))
    expect(await credentials(await svid())).toMatchObject({ status: 403, body: { code: 'session_revoked' } })
  })
})
