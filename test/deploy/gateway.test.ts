/** The configurations of `deploy/` at work: with the keys that make-keys.sh makes, and a PostgreSQL that they verify. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { has, run } from '../e2e/agents.ts'
import { findBinaries } from '../postgres/binaries.ts'
import { type PostgresServer, startPostgres } from '../postgres/server.ts'
import { MAIN } from '../program.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const MAKE_KEYS = join(ROOT, 'deploy/make-keys.sh')
const hasOpenssl = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0
const noTools = hasOpenssl && has('curl') ? undefined : 'openssl or curl is not on this machine'

let made: string

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), 'purser-made-'))
  await chmod(made, 0o711)
  if (noTools === undefined) execFileSync('sh', [MAKE_KEYS, made, 'purser', 'purser.purser.svc', 'postgres'])
})
afterAll(() => rm(made, { recursive: true, force: true }))

const files = () => ['keys', 'trust', 'database'].flatMap((name) => readdirSync(join(made, name)).map((file) => join(name, file)))
const digests = () =>
  files().map((path) => [
    path,
    createHash('sha256')
      .update(readFileSync(join(made, path)))
      .digest('hex'),
  ])

describe('make-keys.sh', () => {
  it('makes what is secret for its owner alone, and what agents have to trust for everybody', ({ skip }) => {
    skip(noTools !== undefined, noTools)
    const open = files().filter((path) => (statSync(join(made, path)).mode & 0o077) !== 0)
    expect(open.sort()).toEqual(['trust/ca-bundle.pem', 'trust/ca.pem'])
    expect(readdirSync(join(made, 'trust')).sort()).toEqual(['ca-bundle.pem', 'ca.pem'])
  })

  it('a second run changes nothing, because a ledger is bound to its keys', ({ skip }) => {
    skip(noTools !== undefined, noTools)
    const before = digests()
    execFileSync('sh', [MAKE_KEYS, made, 'another'])
    expect(digests()).toEqual(before)
  })

  it('its certificate names the doors, and only its authority can sign', ({ skip }) => {
    skip(noTools !== undefined, noTools)
    const [ca, door] = ['keys/ca.pem', 'keys/tls.crt'].map((path) => new X509Certificate(readFileSync(join(made, path))))
    expect(door?.verify(ca?.publicKey as never)).toBe(true)
    expect([door?.ca, ca?.ca]).toEqual([false, true])
    for (const name of ['localhost', 'purser', 'purser.purser.svc', 'postgres']) expect(door?.checkHost(name)).toBe(name)
  })

  it('says what is missing instead of making half of it', async () => {
    const said = await run('sh', [MAKE_KEYS])
    expect(said.code).not.toBe(0)
    expect(said.stderr).toContain('usage: make-keys.sh FOLDER')
  })
})

describe.each(['kubernetes/overlays/gateway', 'compose'])('the configuration of %s', (place) => {
  it('two replicas share sessions over a database that they verify, and each ends by SIGTERM', async ({ skip }) => {
    skip(noTools !== undefined, noTools)
    await using server = await startDatabase()
    const database = `purser_${place.replace(/.*\//, '')}`
    await server.query('CREATE ROLE purser LOGIN')
    await server.query(`CREATE DATABASE ${database} OWNER purser`)
    const one = await serve(await configOf(place, { port: server.port, database, name: `${database}-one` }))
    const two = await serve(await configOf(place, { port: server.port, database, name: `${database}-two` }))
    try {
      const session = await open(one)
      const { username, password } = new URL(session.proxyUrl)
      const through = new URL(two.proxyUrl)
      Object.assign(through, { username, password, hostname: 'localhost' })
      const trust = ['--cacert', join(made, 'trust/ca-bundle.pem'), '--proxy-cacert', join(made, 'trust/ca-bundle.pem')]
      const asked = await run('curl', ['-sS', ...trust, '--proxy', through.href, 'https://purser.internal/v1/session'])
      expect(JSON.parse(asked.stdout || '{}'), asked.stderr).toMatchObject({ id: session.id, remaining: '2.00', state: 'open' })
    } finally {
      expect(await Promise.all([one, two].map(stop))).toEqual([0, 0])
    }
  })
})

it('a database that is not the one of the certificate is not spoken to', async ({ skip }) => {
  skip(noTools !== undefined, noTools)
  await using server = await startPostgres()
  const config = await configOf('kubernetes/overlays/gateway', { port: server.port, database: 'postgres', name: 'plain' })
  const said = await run(process.execPath, [MAIN, 'serve', '--config', config], { NODE_COMPILE_CACHE: '' })
  expect(said.code).toBe(1)
  expect(said.stderr).toMatch(/TLS|SSL|certificate/i)
})

/** As the manifests start it, with the certificate for its own user. */
async function startDatabase(): Promise<PostgresServer> {
  const { uid, gid } = { uid: undefined, gid: undefined, ...findBinaries().servant }
  if (uid !== undefined) execFileSync('chown', ['-R', `${uid}:${gid}`, join(made, 'database')])
  const [cert, key] = ['tls.crt', 'tls.key'].map((name) => join(made, 'database', name))
  return startPostgres({ settings: { ssl: 'on', ssl_cert_file: `${cert}`, ssl_key_file: `${key}` } })
}

/** The file as it is, but for where this machine has things: free ports, folders, the database on localhost. */
async function configOf(place: string, { port, database, name }: { port: number; database: string; name: string }): Promise<string> {
  const text = readFileSync(join(ROOT, 'deploy', place, 'purser.yaml'), 'utf8')
    .replaceAll(/"(0\.0\.0\.0|127\.0\.0\.1):402\d"/g, '"$1:0"')
    .replaceAll(/\/(run|etc)\/purser\/keys/g, join(made, 'keys'))
    .replace('@postgres/purser', `@localhost:${port}/${database}`)
    .replace('/var/lib/purser', join(made, `data-${name}`))
    .replace('https://sepolia.base.org', 'http://127.0.0.1:9/')
  await writeFile(join(made, 'tiers.yaml'), readFileSync(join(ROOT, 'config/tiers.yaml')))
  const file = join(made, `${name}.yaml`)
  await writeFile(file, text)
  return file
}

interface Running {
  readonly child: ChildProcess
  readonly proxyUrl: string
  readonly adminUrl: string
  readonly adminTokenFile: string
}

async function serve(config: string): Promise<Running> {
  const child = spawn(process.execPath, [MAIN, 'serve', '--json', '--config', config], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  for await (const line of createInterface(child.stdout)) {
    child.stdout.resume()
    return { child, ...(JSON.parse(line) as Omit<Running, 'child'>) }
  }
  throw new Error('serve ended without a word')
}

async function open({ adminUrl, adminTokenFile }: Running): Promise<{ id: string; proxyUrl: string }> {
  const url = new URL('/v1/sessions', adminUrl)
  url.hostname = '127.0.0.1'
  const headers = { authorization: `Bearer ${readFileSync(adminTokenFile, 'utf8').trim()}`, 'content-type': 'application/json' }
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ cap: '2', ttl: '1h' }) })
  expect(answer.status).toBe(201)
  return (await answer.json()) as { id: string; proxyUrl: string }
}

async function stop({ child }: Running): Promise<number | null> {
  child.kill('SIGTERM')
  if (child.exitCode === null) await once(child, 'exit')
  return child.exitCode
}
