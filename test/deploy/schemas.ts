/**
 * Manifests against the schemas of Kubernetes. Its validators let unknown fields pass, as the API server's do not, so the
 * types that come with them are asked too: a literal with a field that they do not know does not compile.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import type { Manifest } from './render.ts'

const MODULES = resolve(import.meta.dirname, '../../node_modules')

const relabeling = z.strictObject({ sourceLabels: z.array(z.string()), separator: z.string(), targetLabel: z.string() })

/** Of the Prometheus operator, which is no part of Kubernetes: the fields that we use. */
const serviceMonitor = z.strictObject({
  apiVersion: z.literal('monitoring.coreos.com/v1'),
  kind: z.literal('ServiceMonitor'),
  metadata: z.strictObject({ name: z.string(), namespace: z.string(), labels: z.record(z.string(), z.string()) }),
  spec: z.strictObject({
    selector: z.strictObject({ matchLabels: z.record(z.string(), z.string()) }),
    endpoints: z.array(
      z.strictObject({ port: z.string(), path: z.string(), interval: z.string().regex(/^\d+s$/), relabelings: z.array(relabeling) }),
    ),
  }),
})

const isOurs = ({ kind }: Manifest): boolean => kind === 'ServiceMonitor'
const pathOf = ({ apiVersion, kind }: Manifest): string => join(MODULES, 'kubernetes-models', apiVersion, `${kind}.js`)

/** What is wrong with them, in words; empty where nothing is. */
export async function problemsOf(manifests: readonly Manifest[]): Promise<string[]> {
  const own = manifests.filter(isOurs).flatMap((each) => serviceMonitor.safeParse(each).error?.issues.map(({ message }) => message) ?? [])
  const kubernetes = manifests.filter((each) => !isOurs(each))
  return [...own, ...(await Promise.all(kubernetes.map(valueProblems))).flat(), ...fieldProblems(kubernetes)]
}

async function valueProblems(manifest: Manifest): Promise<string[]> {
  const { [manifest.kind]: Model } = (await import(pathOf(manifest))) as Record<string, new (data: object) => { validate(): void }>
  if (!Model) return [`${manifest.apiVersion} has no ${manifest.kind}`]
  try {
    new Model(manifest).validate()
    return []
  } catch (error) {
    return [`${manifest.kind} ${manifest.metadata.name}: ${String(error)}`]
  }
}

function fieldProblems(manifests: readonly Manifest[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'purser-manifests-'))
  try {
    const lines = manifests.map((each, at) => {
      const type = `import('${pathOf(each)}').I${each.kind}`
      return `export const m${at}: ${type} = ${JSON.stringify(each)}`
    })
    writeFileSync(join(folder, 'manifests.ts'), `${lines.join('\n')}\n`)
    const flags = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2024', '--types', '']
    const { stdout, status } = spawnSync(process.execPath, [join(MODULES, 'typescript/bin/tsc'), ...flags, join(folder, 'manifests.ts')], {
      encoding: 'utf8',
    })
    return status === 0 ? [] : stdout.split('\n').filter((line) => line.includes('error'))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
