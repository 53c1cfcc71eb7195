/** Reading a mandate: the issuer's signature, its times, what was withheld of it, and who holds its key. */
import { createHash, createPublicKey } from 'node:crypto'
import { SDJwtInstance } from '@sd-jwt/core'
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose'
import { z } from 'zod'
import { MANDATE_SKEW_S } from '../limits.ts'
import { grantOf } from './grant.ts'
import { isRefused, type Mandate, type Refused } from './mandate.ts'

/** Asymmetric only; AP2 asks for ES256. */
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

export interface MandateIssuer {
  readonly issuer: string
  readonly keys: JSONWebKeySet
  readonly unsafeIgnoreReference: boolean
}

export interface Nonces {
  /** When a nonce of ours ends; undefined for every other one, and for those that are over. */
  expiryOf(nonce: string, now: number): number | undefined
}

export interface ReaderOptions {
  readonly issuers: readonly MandateIssuer[]
  /** Who we are: what a proof of possession is for. */
  readonly audience: string
  readonly nonces: Nonces
}

/** @param now milliseconds since 1970. Never rejects because of what is in the text. */
export type ReadMandate = (text: string, now: number) => Promise<Mandate | Refused>

const bodySchema = z.looseObject({ iss: z.string(), _sd_alg: z.literal('sha-256').optional() })
/** Salt, name where it is a member, value. */
const disclosureSchema = z.array(z.unknown()).min(2).max(3)
const seconds = z.int().nonnegative().optional()
/** Around the mandate nothing may stand that could be a condition and is not looked at. */
const outerSchema = z.strictObject({
  delegate_payload: z.array(z.looseObject({ exp: seconds, nbf: seconds, cnf: z.unknown().optional() })).length(1),
  iss: z.string(),
  vct: z.string().optional(),
  sub: z.string().optional(),
  jti: z.string().optional(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  iat: seconds,
  nbf: seconds,
  exp: seconds,
  cnf: z.unknown().optional(),
})
const boundSchema = z.object({ jwk: z.looseObject({ kty: z.string() }) })
const proofSchema = z.object({ aud: z.string(), nonce: z.string(), iat: z.int() })

export function createMandateReader({ issuers, audience, nonces }: ReaderOptions): ReadMandate {
  const pinned = new Map(issuers.map((one) => [one.issuer, { ...one, keyOf: createLocalJWKSet(one.keys) }]))
  return async (text, now) => {
    const parts = partsOf(text)
    if (!parts) return { why: 'it is no compact SD-JWT with an issuer' }
    const issuer = pinned.get(parts.body.iss)
    if (!issuer) return { why: 'its issuer is not among mandates.issuers' }
    const nonce = parts.proof === undefined ? undefined : nonceOf(parts.proof, { audience, nonces, now })
    if (nonce && isRefused(nonce)) return nonce
    const signed = await verify(text, { parts, now, nonce: nonce?.nonce, keyOf: issuer.keyOf })
    if (isRefused(signed)) return signed
    const grant = grantOf(signed.claims, { audience, ignoreReference: issuer.unsafeIgnoreReference })
    if (isRefused(grant)) return grant
    const used = nonce && { nonce: { mark: nonce.mark, expiresAt: nonce.expiresAt } }
    return { digest: sha256(parts.signing, 'hex'), issuer: issuer.issuer, grant, ...used }
  }
}

interface Parts {
  /** What the issuer signed: head and payload as they stand. */
  readonly signing: string
  readonly body: z.infer<typeof bodySchema>
  /** What was disclosed, by its digest. */
  readonly disclosed: ReadonlyMap<string, unknown>
  /** The payload of the proof of possession, not verified yet. */
  readonly proof: unknown
}

function partsOf(text: string): Parts | undefined {
  const [jwt = '', ...rest] = text.split('~')
  const proof = rest.pop()
  const [head, payload, signature, ...more] = jwt.split('.')
  if (proof === undefined || head === undefined || payload === undefined || signature === undefined || more.length > 0) return undefined
  try {
    const disclosed = rest.map((one) => [sha256(one, 'base64url'), disclosureSchema.parse(jsonIn(one)).at(-1)] as const)
    const [, said = ''] = proof.split('.')
    return {
      signing: `${head}.${payload}`,
      body: bodySchema.parse(jsonIn(payload)),
      disclosed: new Map(disclosed),
      proof: proof === '' ? undefined : jsonIn(said),
    }
  } catch {
    return undefined
  }
}

function jsonIn(part: string): unknown {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
}

function sha256(text: string, encoding: 'hex' | 'base64url'): string {
  return createHash('sha256').update(text).digest(encoding)
}

interface Nonce {
  readonly nonce: string
  readonly mark: string
  readonly expiresAt: number
}

/** For us, now, and for this one time. */
function nonceOf(proof: unknown, { audience, nonces, now }: Omit<ReaderOptions, 'issuers'> & { readonly now: number }): Nonce | Refused {
  const read = proofSchema.safeParse(proof)
  if (!read.success) return { why: 'its proof of possession states no aud, nonce and iat' }
  const { aud, nonce, iat } = read.data
  if (aud !== audience) return { why: `its proof of possession is not for ${audience}` }
  const expiresAt = nonces.expiryOf(nonce, now)
  if (expiresAt === undefined) return { why: 'the nonce of its proof of possession is not one of ours, or is over; ask for a new one' }
  if (iat * 1000 > now + MANDATE_SKEW_S * 1000) return { why: 'its proof of possession is from the future' }
  return { nonce, expiresAt, mark: `mandate-nonce:${sha256(nonce, 'hex')}` }
}

interface Verifying {
  readonly parts: Parts
  readonly now: number
  readonly nonce: string | undefined
  readonly keyOf: ReturnType<typeof createLocalJWKSet>
}

/** All that the issuer signed and the presenter disclosed, in one. */
async function verify(text: string, { parts, now, nonce, keyOf }: Verifying): Promise<{ readonly claims: unknown } | Refused> {
  let bound: unknown
  const instance = new SDJwtInstance({
    hasher: (data) =>
      createHash('sha256')
        .update(typeof data === 'string' ? data : Buffer.from(data))
        .digest(),
    verifier: (data, signature) => holds(compactVerify(`${data}.${signature}`, keyOf, { algorithms: ALGORITHMS })),
    kbVerifier: async (data, signature) => {
      const key = createPublicKey({ key: boundSchema.parse(bound).jwk, format: 'jwk' })
      return holds(compactVerify(`${data}.${signature}`, key, { algorithms: ALGORITHMS }))
    },
  })
  try {
    const said = mandateIn(await instance.getClaims(text))
    bound = said.bound
    if (bound !== undefined && nonce === undefined) return { why: 'it names a key, and the proof that its presenter has it is missing' }
    const binding = nonce === undefined ? {} : { keyBindingNonce: nonce }
    await instance.verify(text, { currentDate: Math.floor(now / 1000), skewSeconds: MANDATE_SKEW_S, ...binding })
    if (withholds(parts.body, parts.disclosed)) return { why: 'something that is no entry of a list of allowed ones was withheld from it' }
    return { claims: said.claims }
  } catch {
    return { why: 'it is not signed by a pinned key of its issuer, not valid now, or not proven to be its presenter’s' }
  }
}

async function holds(verified: Promise<unknown>): Promise<boolean> {
  return verified.then(
    () => true,
    () => false,
  )
}

interface Said {
  readonly claims: unknown
  /** `cnf`; undefined where it names no key. */
  readonly bound: unknown
}

/** AP2 issuers put the mandate into a member of its own, from which others could delegate; further hops are not read here. */
function mandateIn(claims: unknown): Said {
  const loose = z.looseObject({ cnf: z.unknown().optional() }).parse(claims)
  if (!('delegate_payload' in loose)) return { claims, bound: loose.cnf }
  const { delegate_payload, ...outer } = outerSchema.parse(claims)
  const [inner] = delegate_payload
  if (!inner) throw new Error('a mandate of one member has none')
  const exp = least(outer.exp, inner.exp)
  const aud = outer.aud === undefined ? {} : { aud: outer.aud }
  return { claims: { ...inner, ...aud, ...(exp === undefined ? {} : { exp }) }, bound: inner.cnf ?? outer.cnf }
}

function least(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
}

/** True where a digest of something undisclosed stands anywhere but as an entry of a list of allowed ones, where less is narrower. */
function withholds(value: unknown, disclosed: ReadonlyMap<string, unknown>): boolean {
  if (Array.isArray(value)) return value.some((item) => withholds(item, disclosed))
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([name, member]) => {
    if (name === 'allowed' && Array.isArray(member)) return member.some((entry) => isMutilated(entry, disclosed))
    if (name === '...') return isHidden(member, disclosed)
    if (name === '_sd' && Array.isArray(member)) return member.some((digest) => isHidden(digest, disclosed))
    return withholds(member, disclosed)
  })
}

/** An entry is there whole or not at all: without one of its parts it would name somebody else. */
function isMutilated(entry: unknown, disclosed: ReadonlyMap<string, unknown>): boolean {
  const digest = z.strictObject({ '...': z.string() }).safeParse(entry).data?.['...']
  return withholds(digest === undefined ? entry : disclosed.get(digest), disclosed)
}

function isHidden(digest: unknown, disclosed: ReadonlyMap<string, unknown>): boolean {
  if (typeof digest !== 'string' || !disclosed.has(digest)) return true
  return withholds(disclosed.get(digest), disclosed)
}
