/**
 * Checkpoints: signed statements of where every chain stood. Each names the heads that moved since the one before and
 * carries its hash, so that all of them together cover all heads, and an entry that a checkpoint has seen cannot be cut
 * off, changed or put into another history unseen. Ed25519 (RFC 8032) over the canonical JSON (RFC 8785) of the body.
 */

import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { passing } from '../waypoints.ts'
import { canonicalJson } from './canonical.ts'
import { GENESIS_HASH } from './chain.ts'
import { sha256 } from './digest.ts'

/** Where a chain stood. */
export interface CheckpointHead {
  readonly sessionId: string
  readonly number: number
  readonly hash: string
}

export interface CheckpointBody {
  readonly kind: 'checkpoint'
  readonly ledgerId: string
  /** Gap-free from 1. */
  readonly number: number
  /** ISO 8601. */
  readonly at: string
  /** The heads that moved since the checkpoint before, by session id. */
  readonly heads: readonly CheckpointHead[]
  /** SHA-256 (hex) of the canonical JSON of the checkpoint before it, without its signature; 64 zeros for the first. */
  readonly previousHash: string
  /** Ed25519 public key, hex. */
  readonly publicKey: string
}

export interface Checkpoint extends CheckpointBody {
  /** Hex. */
  readonly signature: string
}

export interface CheckpointSigner {
  /** Ed25519 public key, hex. */
  readonly publicKey: string
  /** The signature (hex) of the text's UTF-8 bytes. */
  sign(text: string): string
}

/** What DER puts before the 32 bytes of a private key (PKCS #8) and of a public one (SPKI), RFC 8410. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')
const SEED_BYTES = 32

/** @param seed The 32 bytes of an Ed25519 private key. @throws Error where they are not 32. */
export function createCheckpointSigner(seed: Uint8Array): CheckpointSigner {
  if (seed.length !== SEED_BYTES) throw new Error(`an Ed25519 seed has ${SEED_BYTES} bytes, not ${seed.length}`)
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(PUBLIC_PREFIX.length).toString('hex')
  return { publicKey, sign: (text) => sign(null, Buffer.from(text, 'utf8'), key).toString('hex') }
}

export interface CheckpointDraft {
  /** The newest checkpoint of this ledger, if it has one. */
  readonly previous: CheckpointBody | undefined
  readonly ledgerId: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** In any order; one for each session. */
  readonly heads: Iterable<CheckpointHead>
  readonly signer: CheckpointSigner
}

/** A new checkpoint, with the very text that was signed: its canonical JSON without `signature`. */
export interface SignedCheckpoint {
  readonly checkpoint: Checkpoint
  readonly text: string
}

/** Makes and signs the checkpoint that follows `previous`. */
export function nextCheckpoint({ previous, ledgerId, at, heads, signer }: CheckpointDraft): SignedCheckpoint {
  const body: CheckpointBody = {
    kind: 'checkpoint',
    ledgerId,
    number: (previous?.number ?? 0) + 1,
    at: new Date(at).toISOString(),
    heads: [...heads].map(({ sessionId, number, hash }) => ({ sessionId, number, hash })).sort(bySession),
    previousHash: previous ? checkpointHash(previous) : GENESIS_HASH,
    publicKey: signer.publicKey,
  }
  const text = canonicalJson(body)
  const signature = signer.sign(text)
  passing('checkpoint signed')
  return { checkpoint: { ...body, signature }, text }
}

function bySession(a: CheckpointHead, b: CheckpointHead): number {
  return a.sessionId < b.sessionId ? -1 : 1
}

/** What a checkpoint is known by: the SHA-256 (hex) of its canonical JSON without its signature. */
export function checkpointHash(checkpoint: CheckpointBody): string {
  return sha256(checkpointText(checkpoint))
}

/** True where the key that it names has signed it. */
export function isSigned(checkpoint: Checkpoint): boolean {
  return hasSigned(checkpointText(checkpoint), checkpoint)
}

/** True where `signature` (hex) is this Ed25519 key's (hex) for the text's UTF-8 bytes. */
export function hasSigned(text: string, { publicKey, signature }: { readonly publicKey: string; readonly signature: string }): boolean {
  const key = publicKeyOf(publicKey)
  return key !== undefined && verify(null, Buffer.from(text, 'utf8'), key, Buffer.from(signature, 'hex'))
}

/** Written member by member, so that a signature beside them is left out. */
function checkpointText({ kind, ledgerId, number, at, heads, previousHash, publicKey }: CheckpointBody): string {
  return canonicalJson({ kind, ledgerId, number, at, heads, previousHash, publicKey })
}

function publicKeyOf(hex: string): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, Buffer.from(hex, 'hex')]), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}
