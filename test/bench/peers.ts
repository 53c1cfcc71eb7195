/**
 * The other proxies. Those of npm stand in a package of their own beside this file, with a lock of its own, and are
 * installed by the first run: they are 219 packages that nothing else needs. Programs join where the path has them.
 */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { MEASURED_CORE, startProcess } from './processes.ts'
import { type Place, startPrograms } from './programs.ts'

export type Way = 'absolute' | 'reverse' | 'blind' | 'intercepted'

/** A proxy that runs. */
export interface Peer {
  readonly name: string
  readonly version: string
  readonly way: Way
  readonly port: number
  /** What agents trust inside intercepted connections. */
  readonly caFile: string
  /** Where the connection itself goes to the origin, without a `CONNECT`. */
  readonly isTransparent: boolean
  readonly cpu_ms: () => number
  readonly rss_bytes: () => number
}

const FOLDER = join(import.meta.dirname, 'peers')
const INSTALL_MS = 180_000
const Ready = z.object({ port: z.number(), caFile: z.string() })
const Manifest = z.looseObject({ version: z.string() })

const OF_NPM: readonly { readonly name: string; readonly ways: readonly Way[] }[] = [
  { name: 'fast-proxy', ways: ['reverse'] },
  { name: 'http-mitm-proxy', ways: ['absolute', 'intercepted'] },
  { name: 'mockttp', ways: ['absolute', 'reverse', 'intercepted'] },
]

/** @throws Error where the packages can be neither found nor installed. */
export async function installPeers(tell: (sentence: string) => void): Promise<void> {
  if (OF_NPM.every(({ name }) => existsSync(join(FOLDER, 'node_modules', name)))) return
  tell('installing the peers of npm (once)')
  const npm = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', FOLDER]
  await promisify(execFile)('npm', npm, { timeout: INSTALL_MS, cwd: FOLDER })
}

/** Starts all, each as often as there are ways that it knows; they end with `started`. */
export async function startPeers(place: Place, started: AsyncDisposableStack, tell: (sentence: string) => void): Promise<readonly Peer[]> {
  const peers: Peer[] = []
  for (const { name, ways } of OF_NPM) {
    for (const way of ways) {
      const args = name === 'fast-proxy' ? [`${place.origin.plain}`] : [place.folder, place.tls.ca, `${place.origin.plain}`]
      const file = join(FOLDER, 'proxies.mjs')
      const running = started.use(await startProcess({ file, args: [name, way, ...args], core: MEASURED_CORE, ready: Ready }))
      const caFile = running.ready.caFile || place.tls.ca
      const { cpu_ms, rss_bytes } = running
      peers.push({ name, version: versionOf(name), way, port: running.ready.port, caFile, isTransparent: false, cpu_ms, rss_bytes })
    }
  }
  for (const { running, ...program } of await startPrograms(place, tell)) {
    started.use(running)
    peers.push({ ...program, port: running.ready.port, caFile: place.tls.ca, cpu_ms: running.cpu_ms, rss_bytes: running.rss_bytes })
  }
  return peers
}

function versionOf(name: string): string {
  const file = join(FOLDER, 'node_modules', name, 'package.json')
  return Manifest.parse(JSON.parse(readFileSync(file, 'utf8'))).version
}
