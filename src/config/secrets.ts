/** Secrets: where a configuration says they are, and the keys that Purser makes for itself at its first start. */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { MAX_SECRET_BYTES } from '../limits.ts'
import type { Environment } from './environment.ts'

/** Where a secret is. The text form is behind a function, so that printing a configuration does not show it. */
export type SecretRef =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'text'; readonly reveal: () => string }

/** A secret cannot be had or must not be used. The message says what to do and never holds the secret. */
export class SecretError extends Error {
  override readonly name = 'SecretError'
}

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const KEY_BYTES = 32
const HEX_KEY = /^[0-9a-f]{64}$/
/** As many characters as 128 bits have in hex: a token that an operator chose must not be guessable. */
const MIN_TOKEN_CHARS = 32
/** Anything for others, and writing for the group. */
const TOO_OPEN = 0o027

/** Reads `env:NAME`, `file:PATH` (relative to `folder`) or the secret itself; undefined where it is neither. */
export function parseSecret(text: string, folder: string): SecretRef | undefined {
  if (text.startsWith('env:')) return ENV_NAME.test(text.slice(4)) ? { kind: 'env', name: text.slice(4) } : undefined
  if (text.startsWith('file:')) return text.length > 5 ? { kind: 'file', path: resolve(folder, text.slice(5)) } : undefined
  return text.trim() === '' ? undefined : { kind: 'text', reveal: () => text }
}

/** Names everything that is not set at once, before anything is opened. @throws SecretError */
export function requireVariables(refs: readonly SecretRef[], env: Environment): void {
  const missing = new Set(refs.flatMap((ref) => (ref.kind === 'env' && !env[ref.name] ? [ref.name] : [])))
  if (missing.size > 0) throw unset([...missing])
}

function unset(names: readonly string[]): SecretError {
  const [only] = names
  if (names.length === 1)
    return new SecretError(`The environment variable ${only} is not set. Set it to the secret, or name a file instead.`)
  const list = new Intl.ListFormat('en-GB').format(names)
  return new SecretError(`The environment variables ${list} are not set. Set each to its secret, or name files instead.`)
}

/**
 * The secret, without the line break at its end.
 * @throws SecretError where the variable or file is missing or empty, or others may read the file
 */
export async function resolveSecret(ref: SecretRef, env: Environment): Promise<string> {
  switch (ref.kind) {
    case 'text':
      return ref.reveal()
    case 'file':
      return readSecretFile(ref.path)
    case 'env': {
      const value = env[ref.name]
      if (!value) throw unset([ref.name])
      return value
    }
  }
}

/**
 * The wallet's key: 0x-hex, or the JSON text of a keystore. A file that is not there yet is made with a fresh key.
 * @throws SecretError as `resolveSecret`
 */
export async function resolveWalletKey(ref: SecretRef, env: Environment): Promise<string> {
  return ref.kind === 'file' ? readOrCreateWalletKey(ref.path) : resolveSecret(ref, env)
}

/** 32 random bytes, kept as hex in `path`. @throws SecretError */
export async function readOrCreateKey(path: string): Promise<Buffer> {
  const text = await readOrCreate(path, () => randomBytes(KEY_BYTES).toString('hex'))
  if (!HEX_KEY.test(text))
    throw new SecretError(`${path} does not hold a key of 64 hex digits. Restore it; a new one would not fit the ledger.`)
  return Buffer.from(text, 'hex')
}

/**
 * A key of 32 bytes: where the configuration says, and it has to be there, because replicas share it; else the one in
 * `path`, which is made where it is missing.
 * @throws SecretError
 */
export async function resolveKey(ref: SecretRef | undefined, path: string, env: Environment): Promise<Buffer> {
  if (!ref) return readOrCreateKey(path)
  const text = (await resolveSecret(ref, env)).trim().toLowerCase()
  if (!HEX_KEY.test(text))
    throw new SecretError(`${sourceOf(ref)} does not hold a key of 64 hex digits. Make one with: openssl rand -hex 32`)
  return Buffer.from(text, 'hex')
}

function sourceOf(ref: SecretRef): string {
  switch (ref.kind) {
    case 'env':
      return `The environment variable ${ref.name}`
    case 'file':
      return ref.path
    case 'text':
      return 'The key that stands in the configuration'
  }
}

/**
 * By which two processes see that they have the same secret: SHA-256 (hex) of an HMAC under it. It tells nothing of the
 * secret, and nothing that is made with it is of this form. `name` keeps the fingerprints of one key for two uses apart.
 */
export function fingerprint(name: string, secret: string | Uint8Array): string {
  const tag = createHmac('sha256', secret).update(`purser fingerprint 1\n${name}`, 'utf8').digest()
  return createHash('sha256').update(tag).digest('hex')
}

/** The token of the admin door, for all roles. @throws SecretError */
export function readOrCreateAdminToken(path: string): Promise<string> {
  return readOrCreateToken(path, 'pat')
}

/** A bearer token in a file of its own; a new one begins with `prefix` and an underscore. @throws SecretError */
export async function readOrCreateToken(path: string, prefix: string): Promise<string> {
  const token = await readOrCreate(path, () => `${prefix}_${randomBytes(KEY_BYTES).toString('base64url')}`)
  if (token.length >= MIN_TOKEN_CHARS && /^[\x21-\x7e]+$/.test(token)) return token
  throw new SecretError(
    `${path} holds no token of at least ${MIN_TOKEN_CHARS} characters in one line. Delete it, and the next start makes one.`,
  )
}

/** A wallet key as 0x-hex; a keystore that stands there already is returned as it is. @throws SecretError */
export async function readOrCreateWalletKey(path: string): Promise<string> {
  return readOrCreate(path, () => `0x${randomBytes(KEY_BYTES).toString('hex')}`)
}

async function readOrCreate(path: string, make: () => string): Promise<string> {
  try {
    return await readSecretFile(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  await createSecretFile(path, make())
  return readSecretFile(path)
}

/** @throws SecretError, with the system's error as its cause where the file cannot be read */
async function readSecretFile(path: string): Promise<string> {
  try {
    const { mode, size } = await stat(path)
    if (process.platform !== 'win32' && (mode & TOO_OPEN) !== 0) {
      throw new SecretError(`${path} is open to others (mode ${(mode & 0o777).toString(8)}). Run: chmod 600 ${path}`)
    }
    if (size > MAX_SECRET_BYTES) throw new SecretError(`${path} has ${size} bytes; no secret is that long.`)
    const text = (await readFile(path, 'utf8')).trim()
    if (text === '') throw new SecretError(`${path} is empty. Write the secret into it, or delete it.`)
    return text
  } catch (cause) {
    if (cause instanceof SecretError) throw cause
    throw new SecretError(`The secret ${path} cannot be read. Check that it is there and that this user may read it.`, { cause })
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof SecretError && error.cause instanceof Error && 'code' in error.cause && error.cause.code === 'ENOENT'
}

/**
 * Writes the file whole or not at all, durably, and leaves one that is there already: a crash leaves no half key, and of
 * two processes that start at once both go on with the same one.
 */
async function createSecretFile(path: string, secret: string): Promise<void> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const draft = join(folder, `.${basename(path)}.${randomBytes(8).toString('hex')}`)
  try {
    await writeDurably(draft, `${secret}\n`)
    await link(draft, path).catch(ignoreExisting)
  } finally {
    await unlink(draft)
  }
  await syncFolder(folder)
}

async function writeDurably(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(text)
  await file.sync()
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}

/** Windows has no folders that can be synced. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  await using handle = await open(folder, 'r')
  await handle.sync()
}
