/** Compose's file: strict, because nothing here can start it; and what it promises of networks, ports and privileges. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { DRAIN_TIMEOUT_MS } from '../../src/limits.ts'

const FOLDER = resolve(import.meta.dirname, '../../deploy/compose')

/** Of the Compose specification what we use, and nothing else. */
const mount = z.union([
  z.string().regex(/^[\w./-]+:\/[\w./-]+(:ro)?$/),
  z.strictObject({
    type: z.literal('volume'),
    source: z.string(),
    target: z.string(),
    read_only: z.boolean(),
    volume: z.strictObject({ subpath: z.string() }),
  }),
])
const condition = z.enum(['service_completed_successfully', 'service_healthy'])
const service = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.string(), dockerfile: z.string(), target: z.string().optional() }).optional(),
  command: z.array(z.string()).optional(),
  user: z.string().optional(),
  profiles: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  depends_on: z.record(z.string(), z.strictObject({ condition })).optional(),
  network_mode: z.literal('none').optional(),
  networks: z.array(z.string()).default([]),
  ports: z.array(z.string().regex(/^[\d.]+:\d+:\d+$/)).default([]),
  volumes: z.array(mount).default([]),
  tmpfs: z.array(z.string()).optional(),
  read_only: z.boolean().optional(),
  healthcheck: z.strictObject({ test: z.array(z.string()), interval: z.string(), timeout: z.string(), retries: z.int() }).optional(),
  restart: z.literal('unless-stopped').optional(),
  security_opt: z.array(z.string()).optional(),
  cap_drop: z.array(z.string()).optional(),
  logging: z.strictObject({ driver: z.string(), options: z.record(z.string(), z.string()) }).optional(),
  stop_grace_period: z
    .string()
    .regex(/^\d+s$/)
    .optional(),
  mem_limit: z.string().optional(),
  pids_limit: z.int().optional(),
  shm_size: z.string().optional(),
})
const file = z.strictObject({
  name: z.string(),
  'x-bounded': z.unknown(),
  services: z.record(z.string(), service),
  networks: z.record(z.string(), z.strictObject({ internal: z.literal(true).optional() })),
  volumes: z.record(z.string(), z.strictObject({})),
})

const compose = file.parse(parse(readFileSync(join(FOLDER, 'compose.yaml'), 'utf8'), { merge: true }))
const { purser, agent, keys } = compose.services
const mounted = Object.values(compose.services).flatMap(({ volumes }) => volumes)

describe('compose.yaml', () => {
  it('every file, volume and network that it names is there', () => {
    const sources = mounted.map((each) => (typeof each === 'string' ? (each.split(':')[0] ?? '') : each.source))
    const [paths, volumes] = [sources.filter((source) => source.startsWith('.')), sources.filter((source) => !source.startsWith('.'))]
    expect(paths.filter((path) => !existsSync(resolve(FOLDER, path)))).toEqual([])
    expect([...new Set(volumes)].sort()).toEqual(Object.keys(compose.volumes).sort())
    const networks = Object.values(compose.services).flatMap((each) => each.networks)
    expect([...new Set(networks)].sort()).toEqual(Object.keys(compose.networks).sort())
    const builds = Object.values(compose.services).flatMap(({ build }) => (build ? [join(FOLDER, build.context, build.dockerfile)] : []))
    expect(builds.filter((path) => !existsSync(path))).toEqual([])
  })

  it('doors are published on this machine alone', () => {
    const ports = Object.values(compose.services).flatMap((each) => each.ports)
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
    expect(purser?.ports).toEqual(['127.0.0.1:4020:4020', '127.0.0.1:4021:4021'])
  })

  it('an agent is in one network, which has no way out, and only the proxy is in it too', () => {
    expect(agent?.networks).toEqual(['agents'])
    expect(compose.networks.agents).toEqual({ internal: true })
    const others = Object.entries(compose.services).filter(([name, { networks }]) => name !== 'agent' && networks.includes('agents'))
    expect(others.map(([name]) => name)).toEqual(['purser'])
  })

  it('an agent gets what it has to trust, not the keys; the database gets no key of Purser’s', () => {
    const parts = Object.fromEntries(
      Object.entries(compose.services).map(([name, { volumes }]) => [
        name,
        volumes.flatMap((each) => (typeof each !== 'string' && each.source === 'keys' && each.read_only ? [each.volume.subpath] : [])),
      ]),
    )
    expect(parts).toMatchObject({ agent: ['trust'], purser: ['keys'], postgres: ['database'], prometheus: [], grafana: [] })
    expect(keys?.volumes).toEqual(['keys:/made'])
  })

  it('what runs on has no capabilities, and Purser a root that it cannot write', () => {
    const { keys: _, agent: __, ...running } = compose.services
    for (const [name, each] of Object.entries(running))
      expect({ name, ...each }).toMatchObject({
        name,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        restart: 'unless-stopped',
      })
    expect(purser?.read_only).toBe(true)
    expect(purser?.user, 'the image’s own').toBeUndefined()
  })

  it('what was signed can be concluded before it is killed', () => {
    expect(Number.parseInt(purser?.stop_grace_period ?? '0', 10) * 1000).toBeGreaterThanOrEqual(DRAIN_TIMEOUT_MS + 10_000)
  })

  it('Prometheus asks where Purser answers, and Grafana asks Prometheus', () => {
    const read = (name: string) => parse(readFileSync(join(FOLDER, name), 'utf8'))
    expect(read('purser.yaml').metrics.listen).toBe('0.0.0.0:4022')
    expect(read('prometheus.yml').scrape_configs[0].static_configs).toEqual([{ targets: ['purser:4022'], labels: { ledger: 'purser' } }])
    expect(read('grafana/provisioning/datasources/prometheus.yaml').datasources[0]).toMatchObject({
      uid: 'prometheus',
      url: 'http://prometheus:9090',
    })
  })
})
