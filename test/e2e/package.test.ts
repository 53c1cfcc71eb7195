/** The package as its users get it: packed, installed into an empty folder, run; on this Node and on the oldest that it promises. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { has, run } from './agents.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const OLDEST = `node-${process.platform}-${process.arch}@24`

let folder: string
let main: string
/** With the whole environment: how this machine reaches its registry stands there. */
const npm = (args: readonly string[], cwd: string) => run('npm', ['--loglevel=error', '--prefix', cwd, ...args], inherited())
const inherited = () =>
  Object.fromEntries(Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purser-package-'))
  const packed = await npm(['pack', '--pack-destination', folder], ROOT)
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  if (!tarball) throw new Error(`npm pack made nothing: ${packed.stderr}`)
  await writeFile(join(folder, 'package.json'), '{"private":true}')
  const installed = await npm(['install', '--no-audit', '--no-fund', join(folder, tarball)], folder)
  main = join(folder, 'node_modules/purser/dist/main.js')
  if (!existsSync(main)) throw new Error(`npm install failed: ${installed.stdout}${installed.stderr}`)
}, 180_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the installed package', () => {
  it('has no tests, no sources and no secrets in it', async () => {
    const names = await readdir(join(folder, 'node_modules/purser'))
    expect(names.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'config', 'dist', 'docs', 'package.json'])
  })

  it('brings the licences of what its bundle holds of others', async () => {
    const texts = await readFile(join(folder, 'node_modules/purser/dist/LICENSES-OF-OTHERS.txt'), 'utf8')
    for (const name of ['viem', '@x402/core', 'undici', 'zod', '@noble/curves', '@peculiar/x509', 'tslib'])
      expect(texts).toMatch(new RegExp(`^${name} [0-9.]+ \\(`, 'm'))
    expect(texts).toContain('THE SOFTWARE IS PROVIDED')
  })

  it('its command runs, and tells its version', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
    expect(await run(join(folder, 'node_modules/.bin/purser'), ['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` })
  })

  it('the demo says kindly that it needs a checkout', async () => {
    const said = await run(process.execPath, [main, 'demo'])
    expect(said.code).toBe(1)
    expect(said.stderr).toContain('The demo needs a checkout')
  })

  it('can be imported', async () => {
    const script = "const { startApp, loadConfig } = await import('purser'); console.log(typeof startApp, typeof loadConfig)"
    const said = await run('sh', ['-c', `cd ${folder} && ${process.execPath} --input-type=module --eval "${script}"`])
    expect(said).toMatchObject({ code: 0, stdout: 'function function\n' })
  })

  it('serves, opens a session, answers inside intercepted TLS, and ends by SIGTERM', async ({ skip }) => {
    skip(!has('curl'), 'curl is not on this machine')
    await serveAndAsk(process.execPath, 'now')
  })

  it('does the same on the oldest Node that it promises', { timeout: 180_000 }, async ({ skip }) => {
    skip(!has('curl'), 'curl is not on this machine')
    const place = join(folder, 'oldest')
    await mkdir(place)
    await writeFile(join(place, 'package.json'), '{"private":true}')
    await npm(['install', '--no-audit', '--no-fund', OLDEST], place)
    const node = join(place, 'node_modules', OLDEST.replace(/@.*/, ''), 'bin/node')
    skip(!existsSync(node), `${OLDEST} cannot be had here`)
    expect((await run(node, ['--version'])).stdout).toMatch(/^v24\./)
    await serveAndAsk(node, 'oldest')
  })
})

async function serveAndAsk(node: string, name: string): Promise<void> {
  const config = join(folder, `${name}.yaml`)
  await writeFile(config, JSON.stringify({ dataDir: `./data-${name}`, proxy: { listen: '127.0.0.1:0' }, admin: { listen: '127.0.0.1:0' } }))
  const child = spawn(node, [main, 'serve', '--json', '--config', config], { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const { proxyUrl, adminUrl, caFile, adminTokenFile } = await firstLine(child)
    const token = (await readFile(adminTokenFile, 'utf8')).trim()
    const opened = await fetch(`${adminUrl}/v1/sessions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ cap: '2', ttl: '1h' }),
    })
    const session = (await opened.json()) as { proxyUrl: string }
    expect(session.proxyUrl).toContain(new URL(proxyUrl).host)
    for (const version of ['--http1.1', '--http2']) {
      const asked = await run('curl', [
        '--silent',
        '--show-error',
        version,
        '--cacert',
        caFile,
        '--proxy',
        session.proxyUrl,
        'https://purser.internal/v1/session',
      ])
      expect(JSON.parse(asked.stdout), asked.stderr).toMatchObject({ remaining: '2.00', state: 'open' })
    }
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  } finally {
    child.kill('SIGKILL')
  }
}

async function firstLine(child: ChildProcess): Promise<Record<'proxyUrl' | 'adminUrl' | 'caFile' | 'adminTokenFile', string>> {
  if (!child.stdout) throw new Error('the command has no output')
  for await (const line of createInterface(child.stdout)) return JSON.parse(line)
  throw new Error('serve ended without a word')
}
