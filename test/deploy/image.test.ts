/** The image as its Dockerfile makes it, started as its user on a root that cannot be written; then beside an agent in one network. */

import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { barToContainers, Container, Network, wire } from './container.ts'
import { buildImage, contextFiles, type Image, readSteps } from './dockerfile.ts'

const DEPLOY = resolve(import.meta.dirname, '../../deploy')
const PURSER = 14_020
const AGENT = 10_001

const bar = barToContainers()
let folder: string
let image: Image

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-image-'))
  await chmod(folder, 0o755)
  image = buildImage(folder)
}, 300_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

/** What a volume would bring to /etc/purser. */
const configure = (text: string) => writeFile(join(image.root, 'etc/purser/purser.yaml'), text)

describe('the image', () => {
  it('is made from sources, lock file and licence alone: no data, no keys, no history, no tests', () => {
    const top = [...new Set(contextFiles().map((path) => path.split('/')[0]))].sort()
    const files = ['.npmrc', 'LICENSE', 'package-lock.json', 'package.json', 'rolldown.config.ts', 'tsconfig.build.json', 'tsconfig.json']
    expect(top).toEqual([...files, 'deploy', 'src'].sort())
    expect(contextFiles().filter((path) => path.startsWith('deploy'))).toEqual(['deploy/make-keys.sh'])
  })

  it('holds the program and what it needs at run time, and nothing of what made it', async () => {
    expect((await readdir(join(image.root, 'app'))).sort()).toEqual(['LICENSE', 'dist', 'node_modules', 'package.json'])
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(image.root, 'app/package.json'), 'utf8'))
    const missing = Object.keys(dependencies).filter((name) => !existsSync(join(image.root, 'app/node_modules', name)))
    const left = ['typescript', 'vitest', 'solc', 'node'].filter((name) => existsSync(join(image.root, 'app/node_modules', name)))
    expect({ missing, left, known: 'typescript' in devDependencies }).toEqual({ missing: [], left: [], known: true })
  })

  it('has a user of its own, by number, so that Kubernetes can see that it is not root', () => {
    expect(image.user).toBe(`${PURSER}:${PURSER}`)
    expect(readSteps().filter(({ instruction }) => instruction === 'USER')).toHaveLength(1)
  })

  it('without a configuration it does not start', async ({ skip }) => {
    skip(bar !== undefined, bar)
    await rm(join(image.root, 'etc/purser/purser.yaml'), { force: true })
    await using network = await Network.open()
    await using container = await Container.start(image, network)
    expect(await container.ended()).not.toBe(0)
    expect(container.output.join('')).toContain('/etc/purser/purser.yaml')
  })

  it('refuses to listen beyond loopback in the clear, and to give a budget away there', async ({ skip }) => {
    skip(bar !== undefined, bar)
    const sidecar = readFileSync(join(DEPLOY, 'kubernetes/components/sidecar/purser.yaml'), 'utf8')
    await configure(sidecar.replace('127.0.0.1:4020', '0.0.0.0:4020'))
    await using network = await Network.open()
    await using container = await Container.start(image, network)
    expect(await container.ended()).toBe(1)
    const said = container.output.join('')
    expect(said).toContain('listens beyond loopback without TLS')
    expect(said).toContain('false is for listeners on loopback only')
  })

  it('serves as its user on a read-only root, is found healthy, takes commands, and ends by SIGTERM', async ({ skip }) => {
    skip(bar !== undefined, bar)
    await configure('dataDir: /var/lib/purser\nmetrics: { listen: "0.0.0.0:4022" }\n')
    await using network = await Network.open()
    await using container = await Container.start(image, network)
    await container.healthy(network)
    expect((await network.run(['curl', '-s', 'http://127.0.0.1:4022/healthz'])).stdout).toBe('{"alive":true}')
    const status = readFileSync(`/proc/${container.pid}/status`, 'utf8')
    expect(status).toMatch(new RegExp(`^Uid:\t${PURSER}\t${PURSER}\t${PURSER}\t${PURSER}$`, 'm'))
    const written = await container.exec(network, ['/nodejs/bin/node', '-e', 'require("fs").writeFileSync("/app/mine", "")'])
    expect(written.stderr).toMatch(/EROFS|EACCES/)
    const opened = await container.exec(network, [
      'purser',
      'session',
      'open',
      '--cap',
      '1',
      '--ttl',
      '1h',
      '--agent',
      'a',
      '--purpose',
      'p',
      '--json',
    ])
    expect(JSON.parse(opened.stdout), opened.stderr).toMatchObject({ state: 'open' })
    expect(await container.stop()).toBe(0)
    expect((await container.exec(network, image.healthcheck)).code).toBe(1)
  })
})

/** A public address, so that the address guard has nothing against it; nobody outside these two networks sees it. */
const WORLD = '93.184.215.14'
const POD = '93.184.215.20'

describe('the sidecar', () => {
  const noRules = spawnSync('nft', ['--version']).status === 0 ? undefined : 'this machine has no nft'
  const rules = join(DEPLOY, 'kubernetes/components/sidecar/packet-rules.nft')
  const direct = ['curl', '-sS', '--noproxy', '*', '--max-time', '5', `http://${WORLD}/`]
  const bound = [...direct, '--interface', 'eth0']
  const datagram = ['bash', '-c', `echo x > /dev/udp/${WORLD}/53`]
  const proxied = ['curl', '-sS', '--max-time', '10', '--proxy', 'http://127.0.0.1:4020', `http://${WORLD}/`]

  it('only Purser’s user has a way out of the pod, from the moment that the rules are set', async ({ skip }) => {
    skip((bar ?? noRules) !== undefined, bar ?? noRules)
    await using pod = await Network.open()
    await using world = await Network.open()
    await wire(pod, world, { one: `${POD}/24`, other: `${WORLD}/24` })
    await using _server = await serve(world, `${WORLD}:80`)
    for (const way of [direct, bound, datagram]) expect((await pod.run(way, AGENT)).code, 'without rules the way is open').toBe(0)

    await pod.must(`nft --file '${rules}'`)
    await pod.must(`nft --file '${rules}'`)
    await prepareSidecar()
    await using purser = await Container.start(image, pod)
    await purser.healthy(pod)

    expect((await pod.run(proxied, AGENT)).stdout, purser.output.join('')).toBe('here')
    expect((await pod.run(direct, PURSER)).stdout).toBe('here')
    for (const user of [AGENT, 65_532, 0]) {
      const refused = await pod.run(direct, user)
      expect({ user, code: refused.code, text: refused.stdout }).toEqual({ user, code: 7, text: '' })
    }
    expect((await pod.run(datagram, AGENT)).stderr).toContain('not permitted')
    expect((await pod.run(bound, AGENT)).code).toBe(7)
  })

  it('the agent is still asked from outside, and answers; the admin door is not for it', async ({ skip }) => {
    skip((bar ?? noRules) !== undefined, bar ?? noRules)
    await using pod = await Network.open()
    await using world = await Network.open()
    await wire(pod, world, { one: `${POD}/24`, other: `${WORLD}/24` })
    await pod.must(`nft --file '${rules}'`)
    await prepareSidecar()
    await using purser = await Container.start(image, pod)
    await purser.healthy(pod)
    await using _agent = await serve(pod, `${POD}:8080`, AGENT)

    expect((await world.run(['curl', '-sS', '--max-time', '5', `http://${POD}:8080/`])).stdout).toBe('here')
    expect((await world.run(['curl', '-s', '--max-time', '5', `http://${POD}:4022/healthz`])).stdout).toBe('{"alive":true}')
    const admin = ['curl', '-sS', '--max-time', '5', 'http://127.0.0.1:4021/healthz']
    expect((await pod.run(admin, AGENT)).code).toBe(7)
    expect((await pod.run(admin, 0)).stdout, 'kubectl port-forward').toBe('{"alive":true}')
    expect((await purser.exec(pod, ['purser', 'session', 'list'])).stdout, 'its own commands').toContain('reporter')
  })

  it('its authority and the usual roots are in files that the agent can read, and the ledger is not', async ({ skip }) => {
    skip(bar !== undefined, bar)
    await using pod = await Network.open()
    await prepareSidecar()
    await using purser = await Container.start(image, pod)
    await purser.healthy(pod)
    const trusted = await purser.exec(pod, ['purser', 'ca', 'env'])
    expect(trusted.stdout).toContain('SSL_CERT_FILE=/var/lib/purser/ca-bundle.pem')
    const modes = await pod.run([
      'stat',
      '-c',
      '%a %n',
      ...['ca.pem', 'ca-bundle.pem', 'purser.db', 'ca.key'].map((name) => join(image.root, 'var/lib/purser', name)),
    ])
    expect(modes.stdout.replaceAll(`${image.root}/var/lib/purser/`, '').split('\n').filter(Boolean)).toEqual([
      '644 ca.pem',
      '644 ca-bundle.pem',
      expect.stringMatching(/^600 purser\.db$/),
      '600 ca.key',
    ])
  })
})

/** As the manifests mount them: the component's configuration, and the wallet's key for Purser's group alone. */
async function prepareSidecar(): Promise<void> {
  await copyFile(join(DEPLOY, 'kubernetes/components/sidecar/purser.yaml'), join(image.root, 'etc/purser/purser.yaml'))
  const key = join(image.root, 'run/purser/keys/wallet.key')
  await rm(key, { force: true })
  await writeFile(key, `0x${'11'.repeat(32)}\n`)
  spawnSync('chown', [`0:${PURSER}`, key])
  await chmod(key, 0o440)
}

/** A web server at this address, which answers "here". */
async function serve(network: Network, address: string, user = 0): Promise<AsyncDisposable> {
  const [host, port] = address.split(':')
  const script = `require('node:http').createServer((_, res) => res.end('here')).listen(${port}, '${host}', () => console.log('up'))`
  const child = spawn(...network.inside([join(image.root, 'nodejs/bin/node'), '-e', script], user), {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((up) => child.stdout.once('data', up))
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await new Promise((closed) => child.once('close', closed))
    },
  }
}
