/**
 * The overlays as `kubectl kustomize` renders them, kept beside the tests, so that they are checked where no kubectl is.
 * Each names the digest of the files that it was made from. After a change: node test/deploy/render.ts
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseAllDocuments } from 'yaml'

const FOLDER = resolve(import.meta.dirname, '../../deploy/kubernetes')
const RENDERED = join(import.meta.dirname, 'rendered')

export const OVERLAYS = ['base', 'overlays/gateway', 'overlays/gateway-agent', 'overlays/sidecar'] as const
export type Overlay = (typeof OVERLAYS)[number]

/** A manifest, as far as every one is alike. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> }
}

export const hasKubectl = (): boolean => spawnSync('kubectl', ['kustomize', '--help'], { stdio: 'ignore' }).status === 0

/** Of all files that a rendering may have been made from. */
export function sourcesDigest(): string {
  const names = readdirSync(FOLDER, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
  const hash = createHash('sha256')
  for (const name of names) hash.update(`${name.slice(FOLDER.length)}\n`).update(readFileSync(name))
  return hash.digest('hex')
}

export const render = (overlay: Overlay): string => execFileSync('kubectl', ['kustomize', join(FOLDER, overlay)]).toString()

const fileOf = (overlay: Overlay): string => join(RENDERED, `${overlay.replace(/.*\//, '')}.yaml`)

/** The rendering that is kept, and the digest in its head. */
export function kept(overlay: Overlay): { readonly digest: string; readonly text: string } {
  const [head = '', ...lines] = readFileSync(fileOf(overlay), 'utf8').split('\n')
  return { digest: head.replace(/^# Made by test\/deploy\/render\.ts from /, ''), text: lines.join('\n') }
}

export function parse(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest)
}

if (import.meta.main) {
  for (const overlay of OVERLAYS)
    writeFileSync(fileOf(overlay), `# Made by test/deploy/render.ts from ${sourcesDigest()}\n${render(overlay)}`)
}
