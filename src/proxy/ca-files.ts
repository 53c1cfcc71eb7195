/** The certificate authority on disk: `ca.key`, for its owner only, and `ca.pem`, for everyone who is to trust it. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID, X509Certificate } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { LEAF_LIFETIME_MS } from '../limits.ts'
import { isBoundTo } from './name-constraints.ts'

/** The authority cannot be used as it lies on the disk; the message says how to mend it. */
export class AuthorityError extends Error {
  override readonly name = 'AuthorityError'
}

export interface CaFiles {
  readonly key: KeyObject
  readonly certPem: string
  readonly certFile: string
}

export interface CaFilesOptions {
  readonly dataDir: string
  /** Milliseconds since 1970. */
  readonly now: number
  readonly permitted?: readonly string[]
  /** An authority that the operator brings, e.g. one that replicas share: used as it is. */
  readonly given?: { readonly certFile: string; readonly certPem: string; readonly keyPem: string }
}

/**
 * Loads the authority, or makes it at the first start. The certificate is issued anew, for the same key, where it is about
 * to end or speaks for other names than `permitted`. Throws AuthorityError.
 */
export async function openCaFiles({ dataDir, now, permitted, given }: CaFilesOptions): Promise<CaFiles> {
  if (given) return givenFiles(given)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const key = await openKey(join(dataDir, 'ca.key'))
  const certFile = join(dataDir, 'ca.pem')
  const kept = await readIfThere(certFile)
  if (kept !== undefined && isUsable(kept, { key, certFile, now, permitted })) return { key, certPem: kept, certFile }
  const { makeCaCertificate } = await import('./certificates.ts')
  const certPem = await makeCaCertificate({ key, now, ...(permitted && { permitted }) })
  await replaceFile(certFile, certPem)
  return { key, certPem, certFile }
}

function givenFiles({ certFile, certPem, keyPem }: NonNullable<CaFilesOptions['given']>): CaFiles {
  const key = readGivenKey(keyPem)
  if (!readCertificate(certPem, certFile).checkPrivateKey(key))
    throw new AuthorityError(`${certFile} does not belong to the key in keys.ca.key. Configure the two that do.`)
  return { key, certPem, certFile }
}

function readGivenKey(pem: string): KeyObject {
  try {
    return p256Key(pem)
  } catch (cause) {
    throw new AuthorityError('keys.ca.key holds no P-256 private key in PEM.', { cause })
  }
}

async function openKey(file: string): Promise<KeyObject> {
  try {
    return await readKey(file)
  } catch (cause) {
    if (!isMissing(cause)) throw cause
  }
  const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
  await writeDurably(file, { text: pem.toString(), flags: 'wx', mode: 0o600 })
  return readKey(file)
}

async function readKey(file: string): Promise<KeyObject> {
  await using handle = await open(file, 'r')
  const { mode } = await handle.stat()
  if ((mode & 0o077) !== 0) throw new AuthorityError(`${file} can be read by others. Run: chmod 600 '${file}'`)
  try {
    return p256Key(await handle.readFile('utf8'))
  } catch (cause) {
    throw new AuthorityError(`${file} holds no P-256 private key. Restore it, or remove it and ca.pem to make a new authority.`, { cause })
  }
}

function p256Key(pem: string): KeyObject {
  const key = createPrivateKey(pem)
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new TypeError('not a P-256 key')
  return key
}

interface Wanted {
  readonly key: KeyObject
  readonly certFile: string
  readonly now: number
  readonly permitted: readonly string[] | undefined
}

function isUsable(pem: string, { key, certFile, now, permitted }: Wanted): boolean {
  const certificate = readCertificate(pem, certFile)
  if (!certificate.checkPrivateKey(key))
    throw new AuthorityError(`${certFile} does not belong to ca.key. Restore the one that does, or remove ${certFile} to issue it anew.`)
  const lasts = certificate.validToDate.getTime() - now > LEAF_LIFETIME_MS
  return lasts && isBoundTo(certificate, permitted)
}

function readCertificate(pem: string, certFile: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw new AuthorityError(`${certFile} holds no certificate. Remove it to issue it anew.`, { cause })
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw cause
  }
}

const isMissing = (cause: unknown): boolean => cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'

/** Readers see the old certificate or the new one, never a part. */
async function replaceFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomUUID()}`
  await writeDurably(draft, { text, flags: 'wx', mode: 0o644 })
  await rename(draft, file)
}

async function writeDurably(file: string, { text, flags, mode }: { text: string; flags: string; mode: number }): Promise<void> {
  await using handle = await open(file, flags, mode)
  await handle.writeFile(text)
  await handle.sync()
}
