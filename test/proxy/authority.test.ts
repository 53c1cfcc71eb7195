import '../../src/proxy/reflect.ts'

import { execFile } from 'node:child_process'
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { get } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { connect, createServer, type SecureContext, TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import * as x509 from '@peculiar/x509'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { LEAF_LIFETIME_MS, LEAF_RENEWAL_MS } from '../../src/limits.ts'
import { openAuthority } from '../../src/proxy/authority.ts'
import { createLeafSigner } from '../../src/proxy/certificates.ts'
import { testClock } from '../clock.ts'
import { dataFolder } from './data-folder.ts'

const run = promisify(execFile)
const DAY_MS = 86_400_000

describe('contexts', () => {
  it('are minted once for each host, also for callers that come at the same time', async () => {
    const authority = await openAuthority({ dataDir: await dataFolder(), clock: testClock() })
    const contexts = await Promise.all(Array.from({ length: 20 }, () => authority.contextFor('a.example')))
    expect(new Set(contexts).size).toBe(1)
    expect(await authority.contextFor('a.example')).toBe(contexts[0])
    expect(await authority.contextFor('b.example')).not.toBe(contexts[0])
  })

  it('are minted anew before the leaf ends, once, and when the clock was set back', async () => {
    const clock = testClock()
    const authority = await openAuthority({ dataDir: await dataFolder(), clock })
    const first = await authority.contextFor('a.example')
    clock.advance(LEAF_LIFETIME_MS - LEAF_RENEWAL_MS - 2 * 3_600_000)
    expect(await authority.contextFor('a.example')).toBe(first)
    clock.advance(2 * 3_600_000)
    const renewed = await Promise.all([authority.contextFor('a.example'), authority.contextFor('a.example')])
    expect(renewed[0]).not.toBe(first)
    expect(renewed[1]).toBe(renewed[0])
    clock.advance(-DAY_MS)
    expect(await authority.contextFor('a.example')).not.toBe(renewed[0])
  })

  it('of processes that share a secret resume each other’s sessions, for the same host only', async () => {
    const dataDir = await dataFolder()
    const open = (secret: number) => openAuthority({ dataDir, clock: systemClock, ticketSecret: Buffer.alloc(32, secret) })
    const [first, second, stranger] = [await open(1), await open(1), await open(2)]
    const begun = await handshake(await first.contextFor('a.example'), first.certPem)
    const resumed = async (context: SecureContext) => (await handshake(context, first.certPem, begun.session)).isReused
    expect(begun.isReused).toBe(false)
    expect(await resumed(await second.contextFor('a.example'))).toBe(true)
    expect(await resumed(await second.contextFor('b.example'))).toBe(false)
    expect(await resumed(await stranger.contextFor('a.example'))).toBe(false)
  })

  it('resume nothing that was begun under another certificate of the authority', async () => {
    const dataDir = await dataFolder()
    const shared = { dataDir, clock: systemClock, ticketSecret: Buffer.alloc(32, 1) }
    const before = await openAuthority(shared)
    const begun = await handshake(await before.contextFor('a.example'), before.certPem)
    const after = await openAuthority({ ...shared, permitted: ['a.example'] })
    expect(after.certPem).not.toBe(before.certPem)
    // The client trusts both, so that only the ticket is in question.
    const both = [before.certPem, after.certPem].join('\n')
    expect((await handshake(await before.contextFor('a.example'), both, begun.session)).isReused).toBe(true)
    expect((await handshake(await after.contextFor('a.example'), both, begun.session)).isReused).toBe(false)
  })

  it('of one process resume nothing of another host’s, nor of another process that shares no secret', async () => {
    const dataDir = await dataFolder()
    const [first, second] = [await openAuthority({ dataDir, clock: systemClock }), await openAuthority({ dataDir, clock: systemClock })]
    const begun = await handshake(await first.contextFor('a.example'), first.certPem)
    const resumed = async (context: SecureContext) => (await handshake(context, first.certPem, begun.session)).isReused
    expect(await resumed(await first.contextFor('a.example'))).toBe(true)
    expect(await resumed(await first.contextFor('b.example'))).toBe(false)
    expect(await resumed(await second.contextFor('a.example'))).toBe(false)
  })

  it('are never made for an address', async () => {
    const authority = await openAuthority({ dataDir: await dataFolder(), clock: testClock() })
    await expect(authority.contextFor('127.0.0.1')).rejects.toThrow('does not speak for addresses')
    await expect(authority.contextFor('::1')).rejects.toThrow('does not speak for addresses')
  })

  it('belong to an authority that names its certificate', async () => {
    const dataDir = await dataFolder()
    const authority = await openAuthority({ dataDir, clock: testClock() })
    expect(authority.certFile).toBe(join(dataDir, 'ca.pem'))
    expect(authority.fingerprint).toBe(new X509Certificate(authority.certPem).fingerprint256)
  })
})

/** What a client says: undefined for success, else its complaint. `address` asks for https://127.0.0.1 itself. */
type Client = (server: { port: number; host: string; caFile: string }) => Promise<string | undefined>

const node: Client = async ({ port, host, caFile }) => {
  const ca = await readFile(caFile)
  return new Promise((resolve) => {
    const lookup = (_name: string, _options: object, done: (error: null, found: { address: string; family: number }[]) => void) =>
      done(null, [{ address: '127.0.0.1', family: 4 }])
    const request = get({ host, port, ca, agent: false, lookup }, (response) => {
      response.resume()
      resolve(undefined)
    })
    request.on('error', (error) => resolve(error.message))
  })
}

const curl: Client = ({ port, host, caFile }) =>
  complaint('curl', ['-sS', '--noproxy', '*', '--cacert', caFile, '--resolve', `${host}:${port}:127.0.0.1`, `https://${host}:${port}/`])

const PYTHON = `
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[3])
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10) as raw:
    with context.wrap_socket(raw, server_hostname=sys.argv[2]) as tls:
        tls.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n"); tls.recv(100)
`
const python: Client = ({ port, host, caFile }) => complaint('python3', ['-c', PYTHON, String(port), host, caFile])

async function complaint(tool: string, args: string[]): Promise<string | undefined> {
  try {
    await run(tool, args, { timeout: 20_000 })
    return undefined
  } catch (error) {
    const { code, stderr } = error as { code: unknown; stderr?: string }
    if (code === 'ENOENT') throw error
    return stderr || `exit ${code}`
  }
}

async function need(tool: string, context: TestContext): Promise<void> {
  if (tool === 'node') return
  await run(tool, ['--version']).catch(() => context.skip(`${tool} is not installed on this machine`))
}

interface Leaf {
  readonly pem: string
  readonly key: string
}

/** A server that shows exactly this leaf. */
async function serve({ pem, key }: Leaf): Promise<number> {
  const server = createServer({ key, cert: pem }, (socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'))
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

async function authorityWithKeys(permitted?: string[]) {
  const dataDir = await dataFolder()
  const authority = await openAuthority({ dataDir, clock: systemClock, ...(permitted && { permitted }) })
  const caKey = createPrivateKey(await readFile(join(dataDir, 'ca.key'), 'utf8'))
  const leafKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const signer = await createLeafSigner({ caPem: authority.certPem, caKey, leafKey })
  const key = leafKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  return { caFile: authority.certFile, caPem: authority.certPem, caKey, leafKey, key, signer }
}

type Keys = Awaited<ReturnType<typeof authorityWithKeys>>

/** What a thief of the key could sign: a leaf for an address. */
async function addressLeaf({ caPem, caKey, leafKey, key }: Keys, address: string): Promise<Leaf> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const certificate = await x509.X509CertificateGenerator.create({
    subject: 'CN=stolen',
    issuer: new x509.X509Certificate(caPem).subject,
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 3_600_000),
    publicKey: createPublicKey(leafKey).toCryptoKey(algorithm, true, ['verify']),
    signingKey: caKey.toCryptoKey(algorithm, false, ['sign']),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(createPublicKey(caKey).toCryptoKey(algorithm, true, ['verify'])),
      new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: address }]),
    ],
  })
  return { pem: certificate.toString('pem'), key }
}

describe.each<[string, Client]>([
  ['node', node],
  ['curl', curl],
  ['python3', python],
])('%s trusts the authority', (tool, client) => {
  it('for a DNS name', async (context) => {
    await need(tool, context)
    const keys = await authorityWithKeys()
    const { pem } = await keys.signer.sign('api.example.com', Date.now())
    const port = await serve({ pem, key: keys.key })
    expect(await client({ port, host: 'api.example.com', caFile: keys.caFile })).toBeUndefined()
  })

  it('not for another name than the leaf’s', async (context) => {
    await need(tool, context)
    const keys = await authorityWithKeys()
    const { pem } = await keys.signer.sign('api.example.com', Date.now())
    const port = await serve({ pem, key: keys.key })
    expect(await client({ port, host: 'other.example.com', caFile: keys.caFile })).toMatch(/match|altname/i)
  })

  it('not for a leaf that has ended', async (context) => {
    await need(tool, context)
    const keys = await authorityWithKeys()
    const { pem } = await keys.signer.sign('api.example.com', Date.now() - 10 * DAY_MS)
    const port = await serve({ pem, key: keys.key })
    expect(await client({ port, host: 'api.example.com', caFile: keys.caFile })).toMatch(/expired/i)
  })

  it('not for an IP address, whatever its key signed', async (context) => {
    await need(tool, context)
    const keys = await authorityWithKeys()
    const port = await serve(await addressLeaf(keys, '127.0.0.1'))
    expect(await client({ port, host: '127.0.0.1', caFile: keys.caFile })).toMatch(/excluded subtree/i)
  })

  it('not outside the permitted names', async (context) => {
    await need(tool, context)
    const keys = await authorityWithKeys(['api.example.com'])
    const inside = await keys.signer.sign('v2.api.example.com', Date.now())
    const outside = await keys.signer.sign('example.org', Date.now())
    const [insidePort, outsidePort] = [await serve({ pem: inside.pem, key: keys.key }), await serve({ pem: outside.pem, key: keys.key })]
    expect(await client({ port: insidePort, host: 'v2.api.example.com', caFile: keys.caFile })).toBeUndefined()
    expect(await client({ port: outsidePort, host: 'example.org', caFile: keys.caFile })).toMatch(/permitted subtree/i)
  })
})

/** One connection to whoever has this context, as an intercepted one; `session` is what the next one may begin with. */
async function handshake(context: SecureContext, ca: string, session?: Buffer) {
  const server = createTcpServer((socket) =>
    new TLSSocket(socket, { isServer: true, secureContext: context }).on('error', () => undefined).end('x'),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  // Which name the leaf has is not what this is about.
  const client = connect({
    port,
    host: '127.0.0.1',
    servername: 'a.example',
    ca,
    checkServerIdentity: () => undefined,
    ...(session && { session }),
  })
  let ticket: Buffer | undefined
  client.on('session', (given: Buffer) => {
    ticket = given
  })
  client.resume()
  await once(client, 'secureConnect')
  const isReused = client.isSessionReused()
  await once(client, 'close')
  server.close()
  return { isReused, session: ticket }
}
