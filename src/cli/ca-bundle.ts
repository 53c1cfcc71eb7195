/** The certificates that a command needs to reach both the proxy and the world: the usual roots and our own. */
import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import type { Config } from '../config/load.ts'
import { CliFailure } from './failure.ts'

const BUNDLE = 'ca-bundle.pem'

type Authority = Pick<Config, 'dataDir' | 'keys'>

/** The certificate of the authority that signs: the configured one, or that of the data folder. */
export function caFileOf({ dataDir, keys }: Authority): string {
  return keys.ca?.cert ?? join(dataDir, 'ca.pem')
}

/** @throws CliFailure where there is none yet, with what creates it */
export function existingCaOf(config: Authority): string {
  const caFile = caFileOf(config)
  if (existsSync(caFile)) return caFile
  const advice = config.keys.ca ? 'keys.ca.cert names it: put it there.' : 'The first `purser serve` or `purser exec` creates it.'
  throw new CliFailure(`There is no authority at ${caFile} yet.`, { advice })
}

/**
 * Writes roots plus `caFile` into the data folder, or into a fresh temporary folder where that is not ours to write.
 * Most tools know only variables that replace the roots, so the file must hold all of them.
 * @returns the bundle's path.
 */
export async function writeBundle({ caFile, dataDir }: { caFile: string; dataDir: string }): Promise<string> {
  const own = await readFile(caFile, 'utf8')
  const text = [...new Set([...roots(), own].map((pem) => pem.trim()))].join('\n').concat('\n')
  try {
    return await replace(join(dataDir, BUNDLE), text)
  } catch {
    return replace(join(await mkdtemp(join(tmpdir(), 'purser-')), BUNDLE), text)
  }
}

function roots(): string[] {
  return (['bundled', 'system', 'extra'] as const).flatMap((kind) => getCACertificates(kind))
}

/** Whole or not at all, because a running command may be reading the old one. */
async function replace(path: string, text: string): Promise<string> {
  const fresh = `${path}.${process.pid}`
  await writeFile(fresh, text, { mode: 0o644 })
  await rename(fresh, path)
  return path
}

export interface CaFacts {
  readonly file: string
  readonly subject: string
  /** SHA-256, as browsers show it. */
  readonly fingerprint: string
  /** ISO 8601. */
  readonly validUntil: string
}

/** What a person compares before trusting the certificate. */
export async function readCa(caFile: string): Promise<CaFacts> {
  const certificate = new X509Certificate(await readFile(caFile))
  return {
    file: caFile,
    subject: certificate.subject.replaceAll('\n', ', '),
    fingerprint: certificate.fingerprint256,
    validUntil: certificate.validToDate.toISOString(),
  }
}
