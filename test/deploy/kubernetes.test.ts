/** The overlays: what they render to is what Kubernetes takes, and what Purser starts with, keeps what they promise. */
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { proxyVariables } from '../../src/cli/child-environment.ts'
import { type Config, ConfigError, loadConfig } from '../../src/config/load.ts'
import { DRAIN_TIMEOUT_MS, SPOOL_TOTAL_BYTES } from '../../src/limits.ts'
import { hasKubectl, kept, type Manifest, OVERLAYS, type Overlay, parse, render, sourcesDigest } from './render.ts'
import { problemsOf } from './schemas.ts'

const DEPLOY = resolve(import.meta.dirname, '../../deploy/kubernetes')
const PURSER = 14_020

interface Container {
  readonly name: string
  readonly args?: readonly string[]
  readonly command?: readonly string[]
  readonly restartPolicy?: string
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[]
  readonly securityContext: Record<string, unknown> & {
    readonly runAsUser?: number
    readonly capabilities: { drop?: string[]; add?: string[] }
  }
  readonly volumeMounts: readonly {
    readonly name: string
    readonly mountPath: string
    readonly subPath?: string
    readonly readOnly?: boolean
  }[]
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } }
  readonly resources: { readonly limits: { readonly memory: string } }
}

interface Pod {
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly securityContext: Record<string, unknown>
  readonly terminationGracePeriodSeconds: number
  readonly automountServiceAccountToken: boolean
  readonly hostAliases?: readonly { readonly ip: string; readonly hostnames: readonly string[] }[]
  readonly volumes: readonly (Record<string, unknown> & { readonly name: string })[]
}

interface Workload extends Manifest {
  readonly spec: {
    readonly replicas?: number
    readonly template: { readonly metadata: { labels: Record<string, string>; annotations?: Record<string, string> }; readonly spec: Pod }
  }
}

interface Policy extends Manifest {
  readonly spec: {
    readonly podSelector: object
    readonly policyTypes: string[]
    readonly egress?: readonly object[]
    readonly ingress?: readonly object[]
  }
}

const manifestsOf = (overlay: Overlay): Manifest[] => parse(kept(overlay).text)

function find<M extends Manifest>(overlay: Overlay, kind: string, name: string): M {
  const found = manifestsOf(overlay).find((each) => each.kind === kind && each.metadata.name === name)
  if (!found) throw new Error(`${overlay} has no ${kind} ${name}`)
  return found as M
}

const podOf = (overlay: Overlay, kind: string, name: string): Pod => find<Workload>(overlay, kind, name).spec.template.spec
const gateway = () => podOf('overlays/gateway', 'Deployment', 'purser')
const sidecar = () => podOf('overlays/sidecar', 'StatefulSet', 'reporter')

function container(containers: readonly Container[] | undefined, name: string): Container {
  const found = containers?.find((each) => each.name === name)
  if (!found) throw new Error(`no container ${name}`)
  return found
}

describe('the overlays', () => {
  it('the kept renderings are made from the files as they are', () => {
    expect(OVERLAYS.map((overlay) => [overlay, kept(overlay).digest])).toEqual(OVERLAYS.map((overlay) => [overlay, sourcesDigest()]))
  })

  it.for(OVERLAYS)('kubectl renders %s to what is kept', { timeout: 60_000 }, (overlay, { skip }) => {
    skip(!hasKubectl(), 'this machine has no kubectl')
    expect(parse(render(overlay))).toEqual(manifestsOf(overlay))
  })

  it('Kubernetes knows every field of every manifest, and takes its values', async () => {
    expect(await problemsOf(OVERLAYS.flatMap(manifestsOf))).toEqual([])
  })

  it('a field that Kubernetes does not know, and a value that it does not take, are found', async () => {
    const deployment = find<Workload>('base', 'Deployment', 'purser')
    expect(await problemsOf([{ ...deployment, spec: { ...deployment.spec, replica: 2 } } as Manifest])).toEqual([
      expect.stringContaining('"replica"'),
    ])
    const wrong = await problemsOf([{ ...deployment, spec: { ...deployment.spec, replicas: 'two' } } as Manifest])
    expect(wrong).toContainEqual(expect.stringContaining('replicas must be integer'))
  })
})

describe('every pod', () => {
  const pods: [string, () => Pod][] = [
    ['base', () => podOf('base', 'Deployment', 'purser')],
    ['gateway', gateway],
    ['database', () => podOf('overlays/gateway', 'StatefulSet', 'postgres')],
    ['gateway-agent', () => podOf('overlays/gateway-agent', 'Deployment', 'reporter')],
    ['sidecar', sidecar],
  ]
  it.each(pods)('%s: no container has privileges, but the one that sets the packet rules', (_, pod) => {
    const { containers, initContainers = [], securityContext, automountServiceAccountToken } = pod()
    expect(automountServiceAccountToken).toBe(false)
    expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    for (const { name, securityContext: own } of [...containers, ...initContainers]) {
      const mayAdd = name === 'purser-rules' ? { add: ['NET_ADMIN'] } : {}
      expect({ name, ...own }).toMatchObject({ name, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } })
      expect({ name, capabilities: own.capabilities }).toEqual({ name, capabilities: { drop: ['ALL'], ...mayAdd } })
    }
  })

  it.each(pods)('%s: nothing of its node is its own, and only what sets the packet rules is root', (_, pod) => {
    const { containers, initContainers = [], volumes = [], ...own } = pod() as Pod & { readonly volumes?: Pod['volumes'] }
    expect(Object.keys(own).filter((name) => /^host(?!Aliases$)|^shareProcessNamespace$/.test(name))).toEqual([])
    expect(volumes.filter((volume) => 'hostPath' in volume)).toEqual([])
    for (const { name, securityContext } of [...containers, ...initContainers]) {
      const { privileged = false, runAsNonRoot = true, runAsUser = PURSER } = securityContext
      const isRoot = name === 'purser-rules'
      expect([name, privileged, runAsNonRoot, runAsUser === 0]).toEqual([name, false, !isRoot, isRoot])
    }
  })

  it.each([
    ['gateway', gateway],
    ['sidecar', sidecar],
  ] as const)('%s: what was signed can be concluded within the grace period', (_, pod) => {
    const { containers, initContainers = [], terminationGracePeriodSeconds } = pod()
    const { lifecycle } = container([...containers, ...initContainers], 'purser')
    const before = lifecycle?.preStop.sleep.seconds ?? 0
    expect(terminationGracePeriodSeconds * 1000).toBeGreaterThanOrEqual(before * 1000 + DRAIN_TIMEOUT_MS + 10_000)
  })

  it.each([
    ['gateway', gateway],
    ['sidecar', sidecar],
  ] as const)('%s: its root is read-only, its secrets are files for its group alone, and what it spools fits', (_, pod) => {
    const { containers, initContainers = [], volumes } = pod()
    const { securityContext, volumeMounts } = container([...containers, ...initContainers], 'purser')
    expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true })
    const secrets = volumes.filter((volume) => 'secret' in volume).map(({ secret }) => (secret as { defaultMode: number }).defaultMode)
    expect(secrets).toEqual([0o440])
    const scratch = volumes.find(({ name }) => name === volumeMounts.find(({ mountPath }) => mountPath === '/tmp')?.name)
    const [, mebibytes = '0'] = /"sizeLimit":"(\d+)Mi"/.exec(JSON.stringify(scratch)) ?? []
    expect(Number.parseInt(mebibytes, 10) * 1024 ** 2).toBeGreaterThan(SPOOL_TOTAL_BYTES)
    expect(JSON.stringify(containers.map(({ env }) => env))).not.toMatch(/_KEY"|PASSWORD"/)
  })

  it('gateway and sidecar are found by their scrape annotations, the gateway by the Prometheus operator too', () => {
    for (const workload of [
      find<Workload>('overlays/gateway', 'Deployment', 'purser'),
      find<Workload>('overlays/sidecar', 'StatefulSet', 'reporter'),
    ])
      expect(workload.spec.template.metadata.annotations).toMatchObject({ 'prometheus.io/scrape': 'true', 'prometheus.io/port': '4022' })
    const { labels } = find('overlays/gateway', 'Service', 'purser').metadata
    expect(find('overlays/gateway', 'ServiceMonitor', 'purser')).toMatchObject({
      spec: {
        selector: { matchLabels: { 'app.kubernetes.io/name': labels?.['app.kubernetes.io/name'] } },
        endpoints: [{ relabelings: [{ targetLabel: 'ledger' }] }],
      },
    })
  })
})

describe('the sidecar', () => {
  it('the rules come first, then Purser as a native sidecar, then its authority; the workload’s own containers last', () => {
    const { initContainers = [], containers } = sidecar()
    expect(initContainers.map(({ name, restartPolicy }) => [name, restartPolicy])).toEqual([
      ['purser-rules', undefined],
      ['purser', 'Always'],
      ['purser-trust', undefined],
    ])
    expect(containers.map(({ name }) => name)).toEqual(['agent'])
  })

  it('the rules let out the user that Purser runs as, and nobody else runs as it', () => {
    const { initContainers, containers, securityContext } = sidecar()
    const rules = readFileSync(join(DEPLOY, 'components/sidecar/packet-rules.nft'), 'utf8')
    expect(rules).toContain(`meta skuid ${PURSER} accept`)
    const held = manifestsOf('overlays/sidecar') as (Manifest & { readonly data?: Readonly<Record<string, string>> })[]
    expect(held.flatMap(({ data }) => data?.['packet-rules.nft'] ?? [])).toEqual([rules])
    expect(readFileSync(join(DEPLOY, '../Dockerfile'), 'utf8')).toContain(`USER ${PURSER}:${PURSER}`)
    expect(container(initContainers, 'purser').securityContext.runAsUser).toBe(PURSER)
    expect(securityContext.runAsUser).not.toBe(PURSER)
    expect(containers.filter((each) => each.securityContext.runAsUser === PURSER)).toEqual([])
  })

  it('the agent gets the variables of `purser exec`, two files of Purser’s volume, and nothing else of it', () => {
    const agent = container(sidecar().containers, 'agent')
    const way = { proxyUrl: 'http://127.0.0.1:4020', caFile: '/etc/purser/ca.pem', bundleFile: '/etc/purser/ca-bundle.pem', direct: '' }
    expect(Object.fromEntries(agent.env?.map(({ name, value }) => [name, value]) ?? [])).toEqual(proxyVariables(way))
    expect(agent.volumeMounts).toEqual(
      ['ca.pem', 'ca-bundle.pem'].map((file) => ({ name: 'purser-data', mountPath: `/etc/purser/${file}`, subPath: file, readOnly: true })),
    )
  })
})

describe('the gateway', () => {
  it('has several replicas, one of which may be missing at a time', () => {
    expect(find<Workload>('overlays/gateway', 'Deployment', 'purser').spec.replicas).toBe(3)
    expect(find('overlays/gateway', 'PodDisruptionBudget', 'purser')).toMatchObject({ spec: { maxUnavailable: 1 } })
    expect(manifestsOf('overlays/gateway').filter(({ kind }) => kind === 'PersistentVolumeClaim')).toEqual([])
  })

  it('pods of the agents’ namespace, labelled or not, reach the proxy and nothing else, not even DNS', () => {
    const { spec } = find<Policy>('overlays/gateway-agent', 'NetworkPolicy', 'only-through-purser')
    const purser = {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'purser' } },
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'purser' } },
    }
    expect(spec).toEqual({ podSelector: {}, policyTypes: ['Egress'], egress: [{ to: [purser], ports: [{ port: 4020, protocol: 'TCP' }] }] })
  })

  it('agents know its address without DNS, the one of its Service', () => {
    const service = find<Manifest & { spec: { clusterIP: string } }>('overlays/gateway', 'Service', 'purser')
    expect(podOf('overlays/gateway-agent', 'Deployment', 'reporter').hostAliases).toEqual([
      { ip: service.spec.clusterIP, hostnames: ['purser'] },
    ])
  })

  it('agents get the variables of `purser exec`, with the URL from a Secret', () => {
    const { env = [] } = container(podOf('overlays/gateway-agent', 'Deployment', 'reporter').containers, 'agent')
    const [first, ...others] = env
    expect(first).toEqual({ name: 'HTTPS_PROXY', valueFrom: { secretKeyRef: { name: 'purser-session', key: 'url' } } })
    const way = { proxyUrl: '$(HTTPS_PROXY)', caFile: '/etc/purser/ca.pem', bundleFile: '/etc/purser/ca-bundle.pem', direct: '' }
    const { HTTPS_PROXY: _, ...expected } = proxyVariables(way)
    expect(Object.fromEntries(others.map(({ name, value }) => [name, value]))).toEqual(expected)
  })

  it('only agents and Prometheus reach it, and it reaches names, its database and the world, nothing inside', () => {
    const { spec } = find<Policy>('overlays/gateway', 'NetworkPolicy', 'purser')
    expect(spec.policyTypes).toEqual(['Ingress', 'Egress'])
    expect(spec.ingress).toMatchObject([{ ports: [{ port: 4020 }] }, { ports: [{ port: 4022 }] }])
    expect(JSON.stringify(spec.ingress)).not.toContain('4021')
    expect(spec.egress).toMatchObject([
      { ports: [{ port: 53 }, { port: 53 }] },
      { ports: [{ port: 5432 }] },
      { ports: [{ port: 443 }, { port: 80 }] },
    ])
    const blocks = [...JSON.stringify(spec.egress).matchAll(/"cidr":"([^"]+)","except":(\[[^\]]*\])/g)]
    expect(blocks.map(([, cidr, except = '']) => [cidr, JSON.parse(except)])).toEqual([
      ['0.0.0.0/0', ['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16']],
      ['::/0', ['fc00::/7', 'fe80::/10']],
    ])
  })
})

describe('the console for people', () => {
  const read = (name: string): Manifest => parseYaml(readFileSync(join(DEPLOY, 'components/console', name), 'utf8'))

  it('keeps a person with one replica, because a sign-in lives in one process, and lets only the ingress in', async () => {
    const [service, policy] = [read('service.yaml'), read('network-policy.yaml')]
    expect(await problemsOf([service, policy])).toEqual([])
    expect(service).toMatchObject({ spec: { sessionAffinity: 'ClientIP', ports: [{ targetPort: 4021 }] } })
    const { labels } = find<Workload>('overlays/gateway', 'Deployment', 'purser').spec.template.metadata
    const { selector } = (service as Manifest & { spec: { selector: Record<string, string> } }).spec
    expect(labels).toMatchObject(selector)
    const { ingress = [] } = (policy as Policy).spec
    expect(ingress).toMatchObject([{ from: [{ namespaceSelector: {} }], ports: [{ port: 4021 }] }])
  })

  it('Purser takes the lines that the page tells to write, and not without the certificate', async () => {
    const page = readFileSync(join(DEPLOY, '../../docs/kubernetes.md'), 'utf8')
    const [lines = ''] = /^admin: \{ listen: "0\.0\.0\.0:4021".*\napprovals: .*\n/m.exec(page) ?? []
    const gateway = readFileSync(join(DEPLOY, 'overlays/gateway/purser.yaml'), 'utf8')
    const config = gateway.replace(/^admin: .*\n/m, lines)
    expect((await load(config)).admin).toMatchObject({ listen: { host: '0.0.0.0', port: 4021 }, hosts: ['console.example.com'] })
    await expect(load(config.replace(/, serverTls: \{ cert: [^}]*tls\.key \} \}/, ' }'))).rejects.toThrow(
      /listens beyond loopback without TLS/,
    )
  })
})

describe('the configurations', () => {
  const files = ['base/purser.yaml', 'overlays/gateway/purser.yaml', 'components/sidecar/purser.yaml', '../compose/purser.yaml']
  it.each(files)('Purser takes %s; of what it warns of, we know', async (name) => {
    const { warnings } = await load(readFileSync(join(DEPLOY, name), 'utf8'))
    const known = name.includes('compose') ? /unsafePlainListener/ : /^$/
    expect(warnings.filter((warning) => !known.test(warning))).toEqual([])
  })

  it('the gateway’s differs from the base’s by its ledger alone', () => {
    const { ledger, ...rest } = parseYaml(readFileSync(join(DEPLOY, 'overlays/gateway/purser.yaml'), 'utf8'))
    expect(rest).toEqual(parseYaml(readFileSync(join(DEPLOY, 'base/purser.yaml'), 'utf8')))
    expect(ledger.url).toContain('sslmode=verify-full')
  })

  it('the base’s tiers are those of config/tiers.yaml', () => {
    expect(readFileSync(join(DEPLOY, 'base/tiers.yaml'), 'utf8')).toBe(readFileSync(join(DEPLOY, '../../config/tiers.yaml'), 'utf8'))
  })

  it('without its certificate the gateway does not start, and a sidecar never beyond loopback', async () => {
    const plain = readFileSync(join(DEPLOY, 'base/purser.yaml'), 'utf8').replace(/ {2}serverTls:.*\n/, '')
    await expect(load(plain)).rejects.toThrow(/listens beyond loopback without TLS/)
    const wide = readFileSync(join(DEPLOY, 'components/sidecar/purser.yaml'), 'utf8').replace('127.0.0.1:4020', '0.0.0.0:4020')
    await expect(load(wide)).rejects.toThrow(/false is for listeners on loopback only/)
  })
})

async function load(text: string): Promise<Config> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-deploy-'))
  try {
    await writeFile(join(folder, 'purser.yaml'), text)
    await writeFile(join(folder, 'tiers.yaml'), readFileSync(join(DEPLOY, 'base/tiers.yaml'), 'utf8'))
    return await loadConfig({ file: join(folder, 'purser.yaml'), env: {} })
  } catch (error) {
    if (error instanceof ConfigError) throw new Error(error.problems.map((problem) => JSON.stringify(problem)).join('\n'), { cause: error })
    throw error
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
